"""The same work in Polars: read, unpivot, count, write zstd Parquet. Prints one JSON line."""

import json
import resource
import sys
import time

import polars as pl

csv, parquet, layout = sys.argv[1:4]
begun = time.perf_counter()
frame = pl.read_csv(csv, infer_schema=False)
keys = ["account_id", "account_name", "region"]
if layout == "wide":
    attributes = [name for name in frame.columns if name not in keys]
    frame = frame.unpivot(on=attributes, index=keys, variable_name="attribute", value_name="value")
counts = frame.group_by("attribute", "region", "value").len()
frame.write_parquet(parquet, compression="zstd", compression_level=1)
seconds = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": round(seconds, 3), "peakMiB": round(peak, 1), "rows": frame.height, "counts": counts.height}))
