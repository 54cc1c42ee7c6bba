"""Writes the Parquet files of this folder, and the rows of each as JSON.

Made with pyarrow 26.0.1:  python make.py
Running it again gives files with the same rows, if not the same bytes.
"""

import datetime
import decimal
import json
import struct

import pyarrow as pa
import pyarrow.parquet as pq

N = 60


def some(values, every=7):
    """Replaces every seventh value by a null."""
    return [None if i % every == 3 else v for i, v in enumerate(values)]


def write(name, table, **options):
    pq.write_table(table, name + ".parquet", write_page_checksum=True, row_group_size=25, **options)
    with open(name + ".json", "w") as f:
        # Texts are kept as such, bytes as hex, times and dates as integers.
        columns = {}
        flat = table
        while any(pa.types.is_struct(t) for t in flat.schema.types):
            flat = flat.flatten()
        for field, column in zip(flat.schema, flat.columns):
            if not (pa.types.is_list(field.type) or pa.types.is_time(field.type) or pa.types.is_null(field.type)):
                columns[field.name] = [plain(v, field.type) for v in column]
        json.dump(columns, f, separators=(",", ":"))
        f.write("\n")


def plain(v, t):
    if v.as_py() is None:
        return None
    if pa.types.is_timestamp(t) or pa.types.is_date(t):
        return v.value
    if pa.types.is_decimal(t):
        return float(v.as_py())
    v = v.as_py()
    return v.hex() if isinstance(v, bytes) else v


times = [datetime.datetime(2013, 1, 1) + datetime.timedelta(hours=37 * i, microseconds=1001 * i) for i in range(N)]

write("int96", pa.table({
    "time": pa.array(some(times), pa.timestamp("ns")),
    "fare": pa.array([2.5 + i for i in range(N)]),
}), use_deprecated_int96_timestamps=True)

write("decimal", pa.table({
    "small": pa.array(some([decimal.Decimal(i * 1234 - 20000).scaleb(-2) for i in range(N)]), pa.decimal128(7, 2)),
    "medium": pa.array([decimal.Decimal(i**9 - 10**15).scaleb(-5) for i in range(N)], pa.decimal128(18, 5)),
    "large": pa.array(some([decimal.Decimal((-7) ** (i % 30)).scaleb(-12) for i in range(N)]), pa.decimal128(38, 12)),
    "wide": pa.array([decimal.Decimal((-9) ** (i % 50)).scaleb(-4) for i in range(N)], pa.decimal256(60, 4)),
}))

write("decimal-int", pa.table({
    "small": pa.array(some([decimal.Decimal(i * 1234 - 20000).scaleb(-2) for i in range(N)]), pa.decimal128(7, 2)),
    "medium": pa.array([decimal.Decimal(i**9 - 10**15).scaleb(-5) for i in range(N)], pa.decimal128(18, 5)),
}), store_decimal_as_integer=True, data_page_version="2.0", compression="zstd")

zone = pa.struct([("id", pa.int64()), ("name", pa.string())])
place = pa.struct([("zone", zone), ("lon", pa.float64())])
write("nested", pa.table({
    "pickup": pa.array(some([
        {"zone": None if i % 5 == 1 else {"id": i, "name": None if i % 4 == 2 else f"zone {i % 3}"}, "lon": i / 8}
        for i in range(N)]), place),
    "passengers": pa.array([i % 6 for i in range(N)], pa.int8()),
}), data_page_version="2.0")

write("dates", pa.table({
    "date": pa.array(some([t.date() for t in times]), pa.date32()),
    "millis": pa.array(times, pa.timestamp("ms", tz="UTC")),
    "micros": pa.array(some(times), pa.timestamp("us")),
    "nanos": pa.array(times, pa.timestamp("ns", tz="America/New_York")),
}), compression="gzip")

# A small dictionary page limit makes pages of the same chunk coded and plain.
write("dictionary", pa.table({
    "code": pa.array(some([f"code {i % 5}" if i % 25 < 12 else f"a longer text that is met once {i}" for i in range(N)])),
    "count": pa.array(some([i % 4 for i in range(N)]), pa.uint32()),
    "flag": pa.array(some([i % 3 == 0 for i in range(N)])),
    "raw": pa.array([bytes([i % 6] * (i % 3)) for i in range(N)], pa.binary()),
    "fixed": pa.array([struct.pack(">I", i % 9) for i in range(N)], pa.binary(4)),
}), dictionary_pagesize_limit=40, data_page_size=16, write_batch_size=4)

write("v2", pa.table({
    "id": pa.array([1000 * i for i in range(N)]),
    "name": pa.array(some([f"name {i // 4}" for i in range(N)])),
    "value": pa.array(some([i / 3 for i in range(N)])),
    "half": pa.array([i / 4 for i in range(N)], pa.float16()),
    "float": pa.array(some([i / 2 for i in range(N)]), pa.float32()),
    "flag": pa.array(some([i % 5 < 2 for i in range(N)])),
}), data_page_version="2.0", use_dictionary=False, compression="zstd", data_page_size=64, write_batch_size=8,
    column_encoding={"id": "DELTA_BINARY_PACKED", "name": "DELTA_BYTE_ARRAY", "value": "BYTE_STREAM_SPLIT",
                     "half": "PLAIN", "float": "PLAIN", "flag": "RLE"})


def point(i):
    if i % 7 == 3:
        return None
    return struct.pack("<BIdd", 1, 1, i - 74, 40 + i / 100) if i % 2 else struct.pack(">BIdd", 0, 1, i - 74, 40 + i / 100)


geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": {
    "encoding": "WKB", "geometry_types": ["Point"],
    "crs": {"type": "ProjectedCRS", "name": "NAD83 / New York Long Island (ftUS)", "id": {"authority": "EPSG", "code": 2263}}}}}
write("geo", pa.table({
    "name": pa.array([f"place {i}" for i in range(N)]),
    "geometry": pa.array([point(i) for i in range(N)], pa.binary()),
}, metadata={"geo": json.dumps(geo)}))

write("lists", pa.table({
    "tags": pa.array([["a"] * (i % 3) for i in range(N)]),
    "clock": pa.array([datetime.time(i % 24) for i in range(N)], pa.time64("us")),
    "nothing": pa.array([None] * N, pa.null()),
    "id": pa.array([i for i in range(N)], pa.uint16()),
}))
