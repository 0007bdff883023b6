"""Lambda's Runtime API for one process, and a recorder of the AWS calls that it makes."""

import http.client
import http.server
import json
import re
import threading
import time
import urllib.parse
import uuid


class Server:
    """A handler's server, on a port of its own, for as long as the block runs."""

    def __init__(self, handler):
        handler.protocol_version = "HTTP/1.1"
        handler.log_message = lambda *_: None
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        # A process that is ended hangs up.
        self._server.handle_error = lambda *_: None
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.address}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def send(handler, status, headers, body):
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


class RuntimeApi(Server):
    """Hands out one invocation; <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>."""

    def __init__(self, event):
        body, answered = json.dumps(event).encode(), threading.Event()
        self._answered = answered
        given, api = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            disable_nagle_algorithm = True

            def do_GET(self):
                if given:
                    # The next invocation never comes; the process is ended.
                    answered.wait()
                    time.sleep(60)
                    return
                given.append(True)
                headers = {
                    "Content-Type": "application/json",
                    "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
                    "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 60_000),
                    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:012345678901:function:f",
                    "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
                }
                send(self, 200, headers.items(), body)

            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"]))
                api._answer = (json.loads(text), time.perf_counter())
                send(self, 202, [], b"")
                answered.set()

        super().__init__(Handler)

    def wait(self, seconds):
        """The answer, and when it came."""
        if not self._answered.wait(seconds):
            raise TimeoutError
        return self._answer


def operation(method, path, headers, body):
    """The name of the call, as its protocol spells it."""
    if target := headers.get("X-Amz-Target"):
        return target.split(".")[-1]
    if action := re.search(rb"(?:^|&)Action=(\w+)", body):
        return action[1].decode()
    parts = urllib.parse.urlsplit(path)
    if "list-type=2" in parts.query:
        return "s3 list"
    return f"s3 {method.lower()}"


class Recorder(Server):
    """Passes every call on, and keeps the operations' names."""

    def __init__(self, upstream):
        self.calls = calls = []
        address = urllib.parse.urlsplit(upstream).netloc

        class Handler(http.server.BaseHTTPRequestHandler):
            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                calls.append(operation(self.command, self.path, self.headers, body))
                connection = http.client.HTTPConnection(address)
                # With the host that was signed.
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(body)
                answer = connection.getresponse()
                hop = ("content-length", "connection", "transfer-encoding")
                headers = [it for it in answer.getheaders() if it[0].lower() not in hop]
                send(self, answer.status, headers, answer.read())
                connection.close()

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = pass_on

        super().__init__(Handler)
