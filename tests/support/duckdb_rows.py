"""Runs the SQL of a file in DuckDB, and prints the rows of its last statement as JSON.

`{httpfs}` in the SQL is the path of the extension that reads buckets: what DuckDB would else download.
"""

import json
import pathlib
import sys

import duckdb


def httpfs():
    import duckdb_extension_httpfs

    home = pathlib.Path(duckdb_extension_httpfs.__file__).parent
    return str(next(home.rglob("httpfs.duckdb_extension")))


sql = pathlib.Path(sys.argv[1]).read_text()
if "{httpfs}" in sql:
    sql = sql.replace("{httpfs}", httpfs())
print(json.dumps(duckdb.connect().execute(sql).fetchall(), default=str))
