"""Damages files: bytes anywhere, and values inside of what a checksum or a parser would protect.

A flipped bit in a `.keras` file or a TFRecord is found by its checksum, and what lies behind is
never tried. So such files are also taken apart, damaged inside and put together again, whole.
"""

import csv
import gzip
import io
import json
import pathlib
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping

# What overflows a signed or an unsigned integer, and what comes right before.
_SIZES = [0, 1, 2, 16, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1]
_SIZES += [2**40, 2**63 - 1, 2**63, 2**64 - 1]
_FIELD_FORMATS = ("<B", "<H", ">H", "<I", ">I", "<Q", ">Q")
_HEADER_BYTES = 256

HOSTILE_TEXTS = (
    *("", " ", "\0", "..", "../../escaped", "/escaped", "a/../../../escaped", "C:\\escaped"),
    *("~", "a\nb", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;"),
    *("NaN", "inf", "-1", "1e999", "99999999999999999999", "\u202e", "\ud83d\ude00", "x" * 300),
    "x" * 200_000,
)
_HOSTILE_VALUES = (None, True, [], {}, [[]], {"a": {}}, -1, 0, 2**31, 2**63, 10**400, 1e308)
_HOSTILE_VALUES += (-0.5, float("nan"), float("inf"), *HOSTILE_TEXTS)


def _flip_bits(content: bytes, rng: random.Random, _) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _truncate(content: bytes, rng: random.Random, _) -> bytes:
    return content[: rng.randrange(len(content))]


def _set_field(content: bytes, rng: random.Random, _) -> bytes:
    """Writes a size where one may stand: most stand in headers."""
    layout = rng.choice(_FIELD_FORMATS)
    size = struct.calcsize(layout)
    end = min(len(content), _HEADER_BYTES) if rng.random() < 0.75 else len(content)
    place = rng.randrange(max(1, end - size))
    value = struct.pack(layout, rng.choice(_SIZES) % 256**size)
    return content[:place] + value + content[place + size :]


def _splice(content: bytes, rng: random.Random, donor: bytes) -> bytes:
    donor = donor or content
    return content[: rng.randrange(len(content))] + donor[rng.randrange(len(donor)) :]


def _block(content: bytes, rng: random.Random) -> tuple[int, int]:
    first = rng.randrange(len(content))
    return first, first + rng.choice((1, 4, 16, 256, 4096))


def _drop_block(content: bytes, rng: random.Random, _) -> bytes:
    first, end = _block(content, rng)
    return content[:first] + content[end:]


def _repeat_block(content: bytes, rng: random.Random, _) -> bytes:
    first, end = _block(content, rng)
    return content[:end] + content[first:end] * rng.choice((1, 3, 100)) + content[end:]


def _clear_block(content: bytes, rng: random.Random, _) -> bytes:
    first, end = _block(content, rng)
    block = content[first:end]
    return content[:first] + bytes([rng.choice((0, 255))]) * len(block) + content[end:]


def _insert_noise(content: bytes, rng: random.Random, _) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + rng.randbytes(rng.choice((1, 7, 512))) + content[place:]


_BYTE_MUTATIONS = (_flip_bits, _truncate, _set_field, _set_field, _splice)
_BYTE_MUTATIONS += (_drop_block, _repeat_block, _clear_block, _insert_noise)


def mutate_bytes(content: bytes, rng: random.Random, donor: bytes = b"") -> bytes:
    """Damages bytes in one to three ways; `donor` is another file, to splice with."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if content:
            content = rng.choice(_BYTE_MUTATIONS)(content, rng, donor)
    return content


def _mutate_json(content: bytes, rng: random.Random, _) -> bytes:
    """Replaces, or takes away, one value at any depth; or nests deeper than parsers can follow."""
    if rng.random() < 0.03:
        return b'{"a":' * 100_000
    tree = json.loads(content)
    places = []

    def walk(node):
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                walk(node[key])

    walk(tree)
    if not places or rng.random() < 0.05:
        return json.dumps(rng.choice(_HOSTILE_VALUES)).encode()
    node, key = rng.choice(places)
    if rng.random() < 0.2:
        del node[key]
    elif isinstance(node[key], (int, float)) and rng.random() < 0.5:
        node[key] = rng.choice((*_SIZES, -node[key], node[key] * 1000, node[key] / 7))
    else:
        node[key] = rng.choice(_HOSTILE_VALUES)
    return json.dumps(tree).encode()


def _mutate_table(content: bytes, rng: random.Random, _) -> bytes:
    """Replaces a cell of a table, or drops, doubles or empties a row or a column."""
    text = content.decode()
    delimiter = next((mark for mark in "|\t" if mark in text), ",")
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    row = rng.choice(rows)
    column = rng.randrange(len(row))
    kind = rng.randrange(6)
    if kind == 0:
        rows.remove(row)
    elif kind == 1:
        rows.append(row)
    elif kind == 2:
        rows = [[cell for place, cell in enumerate(row) if place != column] for row in rows]
    elif kind == 3:
        row.append("more")
    else:
        row[column] = rng.choice(HOSTILE_TEXTS)
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return file.getvalue().encode("utf-8", "surrogatepass")


def _mutate_zip(content: bytes, rng: random.Random, donor: bytes) -> bytes:
    """Damages one member of an archive, whose checksums are right again."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(members))
    if rng.random() < 0.1:
        del members[name]
    else:
        members[name] = mutate(pathlib.PurePath(name).suffix, members[name], rng)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as made:
        for name, member in members.items():
            made.writestr(name, member)
    return file.getvalue()


def _mutate_tar(content: bytes, rng: random.Random, donor: bytes) -> bytes:
    """Damages a compressed archive inside, or has it name files outside of its folder."""
    if rng.random() < 0.6:
        return gzip.compress(mutate_bytes(gzip.decompress(content), rng, donor), 1)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo(rng.choice(HOSTILE_TEXTS[:-1]) or "file")
        member.type = rng.choice((tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE))
        member.linkname = rng.choice(HOSTILE_TEXTS[:-1])
        archive.addfile(member, io.BytesIO())
    return file.getvalue()


def _mutate_records(content: bytes, rng: random.Random, donor: bytes) -> bytes:
    """Damages one record of a TFRecord file, whose checksums are right again."""
    import tensorflow as tf

    records, place = [], 0
    while place < len(content):
        (size,) = struct.unpack_from("<Q", content, place)
        records.append(content[place + 12 : place + 12 + size])
        place += 16 + size
    index = rng.randrange(len(records))
    records[index] = mutate_bytes(records[index], rng)
    path = pathlib.Path(f"{rng.randrange(2**32):08x}.tmp")  # in the worker's own folder
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    written = path.read_bytes()
    path.unlink()
    return written


Mutation = Callable[[bytes, random.Random, bytes], bytes]
_INSIDE: Mapping[str, Mutation] = {
    **dict.fromkeys((".json",), _mutate_json),
    **dict.fromkeys((".csv", ".tsv"), _mutate_table),
    **dict.fromkeys((".keras", ".npz"), _mutate_zip),
    **dict.fromkeys((".gz",), _mutate_tar),
    **dict.fromkeys((".tfrecord",), _mutate_records),
}


def mutate(suffix: str, content: bytes, rng: random.Random, donor: bytes = b"") -> bytes:
    """Damages a file; the suffix tells what is inside.

    Args:
        suffix: such as ".json".
        content: of the whole file.
        rng: draws the damage; the same state, the same damage.
        donor: another file of its kind, to splice with.
    """
    inside = _INSIDE.get(suffix)
    if inside is None or not content or rng.random() < 0.3:
        return mutate_bytes(content, rng, donor)
    return inside(content, rng, donor)
