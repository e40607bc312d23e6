"""The first or last bytes that identify the format of a file."""

import json
import pathlib
import re
import zlib
from collections.abc import Iterator

_HEAD = 1024  # bytes; the mark of tar lies at 257, MATLAB's HDF5 begins at 512
_TABLE_MAGIC = bytes.fromhex("57fb808b247547db")  # of TensorFlow's tables: checkpoints, .index
_MAX_FIELDS = 64

_STARTS = {
    b"version https://git-lfs.github.com/spec": "git_lfs",
    b"model_checkpoint_path:": "checkpoint_state",
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "zip",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"MATLAB ": "matlab",
    b"BZh": "packed",
    b"\xfd7zXZ\x00": "packed",
    b"\x28\xb5\x2f\xfd": "packed",
    b"7z\xbc\xaf\x27\x1c": "packed",
    b"Rar!": "packed",
    b"RIFF": "sound",
    b"fLaC": "sound",
    b"OggS": "sound",
    b"ID3": "sound",
    b"\xff\xfb": "sound",
    b"%PDF": "picture",
    b"\x89PNG": "picture",
    b"\xff\xd8\xff": "picture",
    b"GIF8": "picture",
}
_PAGE = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<(?:!--|!doctype\s+html|html|head|body)", re.IGNORECASE)
_XML = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<(?:\?xml|error)", re.IGNORECASE)
# What PyTorch wrote before 1.6: its magic number, pickled.
_OLD_PYTORCH = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
_IDENTIFIER = re.compile(rb"[\x21-\x7e]+")

_LENGTH, _VARINT = 2, 0  # wire types of protocol buffers
_ONNX_FIELDS = {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}


def of_file(path: pathlib.Path) -> str:
    """The key of `formats.Format` that a file's bytes speak for, "unknown" if none."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(_HEAD)
        file.seek(max(0, size - len(_TABLE_MAGIC)))
        if file.read() == _TABLE_MAGIC:
            return "checkpoint"
    return (
        next((key for start, key in _STARTS.items() if head.startswith(start)), "")
        or _of_head(head)
        or _of_safetensors(head, size, path)
        or _of_protobuf(path)
        or ("text" if _is_text(head) else "unknown")
    )


def _of_head(head: bytes) -> str:
    if head[:2] == b"\x1f\x8b":
        try:
            unpacked = zlib.decompressobj(wbits=31).decompress(head, _HEAD)
        except zlib.error:
            unpacked = b""
        return "tar_gz" if unpacked[257:262] == b"ustar" else "packed"
    if head[257:262] == b"ustar":
        return "tar"
    if head[4:8] == b"TFL3":
        return "tflite"
    if _PAGE.match(head):
        return "html"
    if _XML.match(head):
        return "xml"
    if head[:1] == b"\x80" and len(head) > 2 and 2 <= head[1] <= 5:
        return "pytorch" if _OLD_PYTORCH in head[:32] else "pickle"
    return ""


def _of_safetensors(head: bytes, size: int, path: pathlib.Path) -> str:
    """Eight bytes say how long the JSON is that follows; the arrays fill the rest."""
    length = int.from_bytes(head[:8], "little")
    if head[8:9] != b"{" or not 2 <= length <= size - 8:
        return ""
    with open(path, "rb") as file:
        file.seek(8)
        try:
            json.loads(file.read(length))
        except (ValueError, RecursionError):
            return ""
    return "safetensors"


def _of_protobuf(path: pathlib.Path) -> str:
    fields = list(_fields(path))
    numbers = {number for number, _, _ in fields}
    if not fields or fields[0][0] != 1:
        return ""
    first_kind, first = fields[0][1:]
    if first_kind == _VARINT:
        if first == b"\x01" and numbers == {1, 2}:
            return "saved_model_graph"
        return "onnx" if 7 in numbers and numbers <= _ONNX_FIELDS else ""
    if first_kind == _LENGTH and numbers <= {1, 2, 3, 4} and _is_node(first):
        return "frozen_graph"
    return "meta_graph" if 2 in numbers and first[:1] in (b"\x0a", b"\x12") else ""


def _is_node(message: bytes) -> bool:
    """Whether a message begins as TensorFlow's NodeDef does: with a name and an operation."""
    for tag in (0x0A, 0x12):
        if len(message) < 2 or message[0] != tag or message[1] > 127:
            return False
        text, message = message[2 : 2 + message[1]], message[2 + message[1] :]
        if not _IDENTIFIER.fullmatch(text):
            return False
    return True


def _fields(path: pathlib.Path) -> Iterator[tuple[int, int, bytes]]:
    """The first fields of a protocol buffer: number, wire type, first bytes.

    It yields nothing for bytes that are no protocol buffer; a last field may be cut short.
    """
    size = path.stat().st_size
    found = []
    with open(path, "rb") as file:
        while file.tell() < size and len(found) < _MAX_FIELDS:
            tag = _varint(file)
            number, kind = tag >> 3, tag & 7
            if tag < 0 or not 0 < number < 1000 or kind not in (_VARINT, _LENGTH):
                return
            value = _varint(file)
            if value < 0:
                return
            if kind == _VARINT:
                found.append((number, kind, value.to_bytes(10, "little").rstrip(b"\0")))
                continue
            start = file.tell()
            found.append((number, kind, file.read(min(value, 256))))
            file.seek(start + value)
    yield from found


def _varint(file) -> int:
    """A number as protocol buffers write it; -1 where there is none."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return -1
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    return -1


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character.isspace() for character in text)
