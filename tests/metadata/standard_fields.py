#!/usr/bin/env python3
"""standard_fields.py JARS OBJECT: the fields of a standard object as JSON, name to type, out of the class files that the
Apex type checker brings. Reads the class file itself, because a Java runtime without the JDK has no javap."""

import io
import json
import struct
import sys
import zipfile
from pathlib import Path

PACKAGE = "com/nawforce/runforce/"
# Bytes after the tag of each kind of constant; text (1) has its own length, long and double (5, 6) take two places.
SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
STATIC = 0x0008


def class_file(jars, name):
    for jar in sorted(Path(jars).glob("*.jar")):
        with zipfile.ZipFile(jar) as archive:
            entry = f"{PACKAGE}SObjects/{name}.class"
            if entry in archive.NameToInfo:
                return io.BytesIO(archive.read(entry))
    return None


def number(stream, size=2):
    return int.from_bytes(stream.read(size), "big")


def texts(stream):
    """The constant pool's texts by their index."""
    found, index, count = {}, 1, number(stream)
    while index < count:
        tag = number(stream, 1)
        if tag == 1:
            found[index] = stream.read(number(stream)).decode("utf-8", "replace")
        else:
            stream.read(SIZES[tag])
        index += 2 if tag in (5, 6) else 1
    return found


def fields(stream):
    magic, _minor, _major = struct.unpack(">IHH", stream.read(8))
    if magic != 0xCAFEBABE:
        raise ValueError("not a class file")
    pool = texts(stream)
    stream.read(6)
    stream.read(2 * number(stream))
    found = {}
    for _ in range(number(stream)):
        access, name, kind = number(stream), pool[number(stream)], pool[number(stream)]
        for _ in range(number(stream)):
            number(stream)
            stream.read(number(stream, 4))
        if not access & STATIC:
            found[name] = kind.removeprefix("L" + PACKAGE).removesuffix(";").replace("/", ".")
    return found


if __name__ == "__main__":
    opened = class_file(sys.argv[1], sys.argv[2])
    print(json.dumps(fields(opened) if opened else {}))
