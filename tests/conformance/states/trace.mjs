// Runs a definition on aws-local-stepfunctions with canned answers of its functions.
//
//   node trace.mjs DEFINITION SCENARIOS
//
// Prints for each scenario the states entered, the functions invoked with what they were passed, those
// of a Map's items apart, and the end. Waits and pauses before retries take no time.

import { readFileSync } from "node:fs";
import { StateMachine } from "aws-local-stepfunctions";

const [definitionPath, scenariosPath] = process.argv.slice(2);
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const definition = read(definitionPath);
const processors = Object.values(definition.States).map((state) => state.ItemProcessor?.States ?? {});
const inner = Object.assign({}, ...processors);
const states = { ...definition.States, ...inner };
const names = (type) =>
  Object.entries(states).filter(([, state]) => state.Type === type).map(([name]) => name);
const forAll = (keys, value) => Object.fromEntries(keys.map((key) => [key, value]));

class FunctionError extends Error {
  constructor({ error, cause }) {
    super(cause);
    this.name = error;
  }
}

async function trace({ input, answers }) {
  const steps = { steps: [], inner: [] };
  const passedOn = {};
  const left = structuredClone(answers);
  const invoke = ({ FunctionName, Payload }) => {
    // Of this very execution, so not comparable, except that they are told.
    const passed = { ...Payload };
    if ("execution" in passed) passed.execution = Object.keys(passed.execution).sort();
    if ("enteredAt" in passed) passed.enteredAt = typeof passed.enteredAt;
    (passedOn[FunctionName] ??= []).push({ invoke: FunctionName, passed });
    const answer = left[FunctionName]?.shift();
    if (!answer) throw new FunctionError({ error: "NoAnswerLeft", cause: FunctionName });
    if (answer.error) throw new FunctionError(answer);
    return { ExecutedVersion: "$LATEST", Payload: answer, StatusCode: 200 };
  };
  const execution = new StateMachine(definition, { validationOptions: { checkArn: false } }).run(input, {
    overrides: {
      taskResourceLocalHandlers: forAll(names("Task"), invoke),
      waitTimeOverrides: forAll(names("Wait"), 0),
      retryIntervalOverrides: forAll(names("Task"), 0),
    },
    context: {
      Execution: { Id: "arn:aws:states:x:0:execution:m:n", StartTime: "2026-11-21T06:30:00Z" },
      State: { EnteredTime: "2026-11-21T06:30:00Z" },
    },
  });
  // How it ended is told by its events too.
  execution.result.catch(() => {});
  let end;
  // Events arrive later than what they tell of: each attempt at a Task is one invocation.
  for await (const event of execution.eventLogs) {
    const line = event.state?.name in inner ? steps.inner : steps.steps;
    if (event.type === "StateEntered") line.push({ enter: event.state.name });
    const isAttempt = event.type === "StateEntered" || event.type === "StateRetried";
    if (isAttempt && event.state.type === "Task") {
      line.push(passedOn[states[event.state.name].Parameters.FunctionName].shift());
    }
    if (event.type === "ExecutionSucceeded") end = { status: "SUCCEEDED", output: event.output };
    if (event.type === "ExecutionFailed") end = { status: "FAILED", error: event.Error, cause: event.Cause };
  }
  return { ...steps, end };
}

const traces = {};
for (const scenario of read(scenariosPath)) traces[scenario.name] = await trace(scenario);
process.stdout.write(`${JSON.stringify(traces, null, 1)}\n`);
