"""A damaged clip is said on the page, and does not end it."""

import struct

import pytest

from vggish_inversion.report import clips

_BEYOND = b"RIFF" + struct.pack("<I", 12) + b"WAVEjunk" + struct.pack("<I", 1000) + bytes(40)


@pytest.mark.parametrize("contents", [_BEYOND, b"", b"RIFF", b"RIFF\xff\xff\xff\xffWAVEfmt "])
def test_a_damaged_wav_is_said(tmp_path, contents):
    path = tmp_path / "a.wav"
    path.write_bytes(contents)
    wav, seconds, problem = clips._read_wav(path)
    assert (wav, seconds) == (None, 0.0)
    assert problem.startswith("Audio unreadable: ")
