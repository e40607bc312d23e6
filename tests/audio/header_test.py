"""What headers promise, what they leave open, and what follows the end that they name."""

import struct
import zlib

import numpy as np
import pytest

from tests.audio.made_audio import KINDS, encode, encode_with_ffmpeg, noisy_tone
from vggish_inversion.audio import AUDIO_EXTENSIONS, AudioError, decoding, ogg

_SAMPLES = noisy_tone(1001, 16000)
_PCM = np.rint(_SAMPLES * 2**15).astype("<i2")
_EXPECTED = _PCM.astype(np.float32) / 2**15
_BYTES = _PCM.tobytes()
_SWAPPED = _PCM.astype(">i2").tobytes()


def _riff(data=_BYTES, size=None, after=b"", bits=16, block=2, magic=b"RIFF", before=b""):
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16000, 16000 * block, block, bits)
    size = len(data) if size is None else size
    body = b"WAVE" + before + fmt + struct.pack("<4sI", b"data", size) + data + after
    return magic + struct.pack("<I", len(body)) + body


def _rf64(size=len(_BYTES), size_32=0xFFFFFFFF, after=b""):
    ds64 = struct.pack("<4sIQQQI", b"ds64", 28, 0, size, 0, 0)
    return _riff(size=size_32, magic=b"RF64", before=ds64, after=after)


def _wave64(size=24 + len(_BYTES), after=b""):
    tail = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    fmt = struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16)
    body = b"wave" + tail + b"fmt " + tail + struct.pack("<Q", 40) + fmt
    body += b"data" + tail + struct.pack("<Q", size) + _BYTES + after
    head = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
    return head + struct.pack("<Q", 24 + len(body)) + body


def _aiff(size=8 + len(_BYTES), num_frames=1001, after=b"", bits=16):
    rate = struct.pack(">HQ", 16383 + 13, 16000 << 50)
    comm = struct.pack(">4sIHIH", b"COMM", 18, 1, num_frames, bits) + rate
    body = b"AIFF" + comm + struct.pack(">4sIII", b"SSND", size, 0, 0) + _SWAPPED + after
    return b"FORM" + struct.pack(">I", len(body)) + body


def _au(size=len(_BYTES), after=b""):
    return b".snd" + struct.pack(">5I", 24, size, 3, 16000, 1) + _SWAPPED + after


def _caf(size=4 + len(_BYTES), after=b""):
    desc = struct.pack(">d4sIIIII", 16000.0, b"lpcm", 0, 2, 1, 1, 16)
    head = b"caff\0\1\0\0desc" + struct.pack(">q", 32) + desc
    return head + b"data" + struct.pack(">qI", size, 0) + _SWAPPED + after


def _sphere(count=b"sample_count -i 1001\n", after=b"", coding=b"pcm"):
    fields = b"NIST_1A\n   1024\nsample_rate -i 16000\nsample_n_bytes -i 2\n" + count
    fields += b"sample_coding -s%d %s\nsample_byte_format -s2 10\nend_head\n" % (
        len(coding),
        coding,
    )
    return fields.ljust(1024) + _SWAPPED + after


def _flac(samples=_SAMPLES, is_open=False):
    flac = bytearray(encode(samples, 16000, "FLAC", "PCM_16"))
    if is_open:
        flac[21] &= 0xF0  # 36 bits of the stream's description count its samples
        flac[22:26] = bytes(4)
    return bytes(flac)


def _read(contents):
    waveform, rate_hz = decoding.decode_channels(contents)
    assert rate_hz == 16000
    return waveform


def _assert_whole(contents):
    np.testing.assert_allclose(_read(contents), _EXPECTED, rtol=0, atol=2**-14)


def _assert_refused(contents, pattern):
    with pytest.raises(AudioError, match=pattern) as caught:
        decoding.decode_channels(contents)
    assert "\n" not in str(caught.value)


_OPEN_32 = (0, 0xFFFFFFFF, 0xFFFFFFFF - 36, 0x7FFFFFFF, 0x7FFFF000, 0x80000000)
_OPEN_64 = (0, 2**64 - 1, 2**63 - 1)


@pytest.mark.parametrize(
    "contents",
    [
        *(_riff(size=size) for size in _OPEN_32),
        *(_rf64(size=size) for size in _OPEN_64),
        *(_rf64(size_32=size) for size in (0, 0x7FFFFFFF, len(_BYTES))),
        *(_wave64(size=size) for size in (*_OPEN_64, 24)),
        *(_aiff(size=size, num_frames=0) for size in _OPEN_32),
        *(_aiff(num_frames=num_frames) for num_frames in _OPEN_32),
        *(_au(size=size) for size in _OPEN_32),
        *(_caf(size=size) for size in (-1, 0)),
        *(_sphere(count=count) for count in (b"", b"sample_count -i 0\n", b"sample_count -i -1\n")),
        _flac(is_open=True),
    ],
    ids=lambda _: "",
)
def test_a_length_that_is_left_open_is_that_of_the_file(contents):
    _assert_whole(contents)


@pytest.mark.parametrize(
    "make",
    [_riff, _rf64, _wave64, _aiff, _au, _caf, _sphere, _flac],
    ids=lambda make: make.__name__,
)
def test_half_a_file_is_refused(make):
    contents = make()
    _assert_whole(contents)
    for num_bytes in (len(contents) // 2, len(contents) - 2, len(contents) - 1):
        _assert_refused(contents[:num_bytes], "truncated")


@pytest.mark.parametrize("size", [0x90000000, 0x70000000, 0xF0000000])
def test_a_promise_of_gigabytes_is_no_open_length(size):
    for contents in (_riff(size=size), _aiff(size=size), _au(size=size), _rf64(size=size)):
        _assert_refused(contents, f"promises {size} data bytes")


def test_of_an_open_length_a_sample_in_part_is_a_cut():
    for contents in (_riff(size=0), _au(size=0xFFFFFFFF), _caf(size=-1), _wave64(size=2**64 - 1)):
        _assert_refused(contents[:-1], "truncated: 1 of the 2 bytes of the last sample")
    flac = _flac(noisy_tone(9000, 16000), is_open=True)
    for num_bytes in (len(flac) - 1, len(flac) - 700, len(flac) // 2):
        _assert_refused(flac[:num_bytes], "last frame of a FLAC file is not whole")


_LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf62.12.102\0"
_ANNO = b"ANNO" + struct.pack(">I", 6) + b"spoken"
_CAF_INFO = b"info" + struct.pack(">q", 6) + b"spoken"
_ID3V1 = b"TAG" + b"title".ljust(125)
_APE = b"APETAGEX" + struct.pack("<IIII8x", 2000, 32, 0, 0)


@pytest.mark.parametrize(
    "after", [b"", _ID3V1, _APE, _APE + _ID3V1, bytes(300), bytes(1)], ids=lambda _: ""
)
def test_tags_and_zeros_may_follow(after):
    for make in (_riff, _wave64, _aiff, _au, _caf, _sphere):
        _assert_whole(make(after=after))
    _assert_whole(_flac() + after)
    mp3 = encode(_SAMPLES, 16000, "MP3", "MPEG_LAYER_III")
    vorbis = encode(_SAMPLES, 16000, "OGG", "VORBIS")
    for contents in (mp3, vorbis):
        np.testing.assert_array_equal(_read(contents + after), _read(contents))


def test_chunks_may_follow():
    for contents in (_riff(after=_LIST), _riff(after=_LIST[:-5]), _riff(after=_LIST + _LIST)):
        _assert_whole(contents)
    for size_32 in (0, 0x7FFFFFFF, 0xFFFFFFFF):  # the size of 64 bits holds
        _assert_whole(_rf64(size_32=size_32, after=_LIST))
    for contents in (_aiff(after=_ANNO), _caf(after=_CAF_INFO)):
        _assert_whole(contents)
    odd = bytes(range(100, 201))
    for after in (b"", _LIST, b"\0" + _LIST):  # a size that is odd, with padding and without
        waveform = _read(_riff(odd, bits=8, block=1, after=after))
        expected = (np.arange(100, 201, dtype=np.float32)[:, None] - 128) / 128
        np.testing.assert_array_equal(waveform, expected)


def test_an_empty_recording_with_chunks_behind_has_no_samples():
    for contents in (_riff(b"", after=_LIST), _riff(b"", after=_LIST + _LIST), _riff(b"")):
        _assert_refused(contents, "no samples")


@pytest.mark.parametrize(
    "contents",
    [
        *(_riff(size=size) for size in (2, 1000, len(_BYTES) - 2)),
        _rf64(size=1000),
        _wave64(size=1024),
        _aiff(size=1008, num_frames=0),
        _aiff(size=1008, num_frames=500),
        _au(size=1000),
        _caf(size=1004),
        _sphere(count=b"sample_count -i 500\n"),
    ],
    ids=lambda _: "",
)
def test_sound_behind_the_end_that_a_header_names_is_not_lost(contents):
    _assert_refused(contents, "follow the end that the header names")


def test_two_promises_that_differ():
    _assert_refused(_aiff(num_frames=2000), "truncated: header promises 2000 samples, .* 1001")
    _assert_refused(_aiff(num_frames=500), "damaged: header promises 500 samples, .* 1001")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_two_files_in_one_are_read_whole_or_refused(kind):
    rate_hz = (kind.rates_hz or (16000,))[0]
    parts = [kind.make(noisy_tone(num_samples, rate_hz), rate_hz) for num_samples in (4000, 3000)]
    whole = sum(len(decoding.decode_channels(part)[0]) for part in parts)
    for contents in (parts[0] + parts[1], parts[1] + parts[0]):
        try:
            waveform, _ = decoding.decode_channels(contents)
        except AudioError as error:
            assert "\n" not in str(error)
        else:
            # Of an open length, or without a header of its own, the second file is more samples.
            assert len(waveform) >= whole


def test_more_samples_in_a_second_chunk():
    _assert_refused(_riff(after=b"data" + struct.pack("<I", 4) + b"abcd"), "more samples")
    _assert_refused(_riff() + _riff(), "another file")
    _assert_refused(_flac() + _flac(), "more than one FLAC file")


def test_tags_may_come_first():
    tag = b"ID3\4\0\0\0\0\1\0" + bytes(128)
    assert len(tag) == 138
    for contents in (_riff(), _flac(), _aiff(), _au()):
        _assert_whole(tag + contents)
        _assert_whole(tag + tag + contents)
    mp3 = encode(_SAMPLES, 16000, "MP3", "MPEG_LAYER_III")
    for before in (tag, tag + tag, tag + bytes(500)):  # padding that the tag does not count
        np.testing.assert_array_equal(_read(before + mp3), _read(mp3))
    _assert_refused(tag, "a tag .* no sound")


def test_widths_of_samples():
    twelve = (_PCM // 16 * 16).astype(">i2")
    aiff = _aiff(bits=12).replace(_SWAPPED, twelve.tobytes())
    np.testing.assert_array_equal(_read(aiff), twelve.astype(np.float32) / 2**15)
    _assert_whole(_riff(bits=16))
    in_four_bytes = _riff(np.left_shift(_PCM.astype("<i4"), 16).tobytes(), bits=32, block=4)
    _assert_whole(in_four_bytes)
    _assert_refused(_riff(bits=24, block=2), "24 bits in blocks of 2 bytes")
    _assert_refused(_riff(bits=24, block=4), "24 bits in blocks of 4 bytes")


def test_a_frame_of_flac_that_is_lost():
    flac = _flac(noisy_tone(20000, 16000))
    # A frame of 4,096 samples begins with these bytes, and its number.
    starts = [flac.index(b"\xff\xf8\xc5\x08%c" % number) for number in range(4)]
    _assert_refused(flac[: starts[1]] + flac[starts[2] :], "no frame .* begins at sample 4096")
    _assert_refused(flac[: starts[3]], "promises 20000 samples, frames end at 12288")
    assert len(_read(flac)) == 20000


# MPEG audio ------------------------------------------------------------------------------------


def _mp3_frames():
    """An MP3 of 24 kbit/s at 16 kHz, without a tag: an index of 180 bytes, 37 frames of 108."""
    samples = noisy_tone(20000, 16000)
    mp3 = encode_with_ffmpeg(samples, 16000, "mp3", "libmp3lame", id3v2_version="0")
    assert mp3[180:182] == b"\xff\xf3"
    return [mp3[:180], *(mp3[place : place + 108] for place in range(180, len(mp3), 108))]


def test_an_index_tells_of_frames_that_are_lost_or_too_many():
    frames = _mp3_frames()
    assert len(_read(b"".join(frames))) == 20000
    for fewer in (frames[:-1], frames[:10] + frames[11:], [*frames, frames[-1]]):
        _assert_refused(b"".join(fewer), "index promises 37 frames .*, 3[68] are there")
    without = b"".join(frames[1:])
    assert len(_read(without)) == 576 * len(frames[1:])
    _assert_refused(without[:-1], "truncated: 107 of the 108 bytes of the last frame")
    # The limit: nothing tells that a frame is gone.
    assert len(_read(b"".join(frames[1:-1]))) == 576 * len(frames[1:-1])


def test_an_index_that_takes_sound_for_padding():
    frames = _mp3_frames()
    lame = frames[0].index(b"Info") + 120
    for delays in (b"\xff\xff\xff", b"\x00\x0f\xff", b"\xff\xf0\x00"):
        index = frames[0][: lame + 21] + delays + frames[0][lame + 24 :]
        _assert_refused(b"".join([index, *frames[1:]]), "damaged: the index takes [0-9]+ samples")


def test_an_index_of_fraunhofer_counts_too():
    frames = _mp3_frames()
    for counted, is_whole in ((len(frames) - 1, True), (len(frames), False)):
        vbri = bytearray(frames[1][:4].ljust(108, b"\0"))
        vbri[36:40], vbri[50:54] = b"VBRI", struct.pack(">I", counted)
        contents = b"".join([bytes(vbri), *frames[1:]])
        if is_whole:
            assert len(_read(contents)) == 576 * counted
        else:
            _assert_refused(contents, "index promises")


def test_what_is_between_frames_is_no_sound():
    frames = _mp3_frames()[1:]
    for between in (b"junk", b"ID3\4\0\0\0\0\0\0", _ID3V1, frames[0][:50]):
        contents = b"".join([*frames[:9], between, *frames[9:]])
        _assert_refused(contents, "no frame like the (9|10) before it follows at byte")
    free = bytes([frames[0][0], frames[0][1], frames[0][2] & 0x0F]) + frames[0][3:]
    _assert_refused(free + b"".join(frames), "free format is not read: convert it")
    layer_1 = bytes([frames[0][0], frames[0][1] | 6]) + frames[0][2:]
    _assert_refused(layer_1 + b"".join(frames), "layer I is not read: convert it")


# Ogg -------------------------------------------------------------------------------------------


def _pages(contents):
    starts = [0]
    while (place := contents.find(b"OggS", starts[-1] + 1)) >= 0:
        starts.append(place)
    return [contents[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]


def _renumber(page, number=None, flags=None, serial=None):
    page = bytearray(page)
    if number is not None:
        page[18:22] = struct.pack("<I", number)
    if flags is not None:
        page[5] = flags
    if serial is not None:
        page[14:18] = struct.pack("<I", serial)
    page[22:26] = struct.pack("<I", ogg._checksum(bytes(page)))
    return bytes(page)


def test_the_checksum_is_that_of_the_standard():
    page = encode(_SAMPLES, 16000, "OGG", "VORBIS")[:58]
    crc = 0
    for byte in page[:22] + bytes(4) + page[26:]:  # bit by bit, as RFC 3533 has it
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 2**31 else crc << 1) & 0xFFFFFFFF
    assert ogg._checksum(page) == crc == struct.unpack_from("<I", page, 22)[0]
    assert ogg._checksum(page) != zlib.crc32(page)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_pages_that_are_lost_or_damaged(subtype):
    contents = encode(noisy_tone(200_000, 16000), 16000, "OGG", subtype)
    pages = _pages(contents)
    assert len(pages) > 5
    _assert_refused(b"".join(pages[:3] + pages[4:]), "page 4 of an Ogg stream follows page 2")
    _assert_refused(b"".join(pages[:-1]), "does not end with an end-of-stream page")
    _assert_refused(b"".join(pages[1:]), "begins in the middle")
    flipped = bytearray(contents)
    flipped[len(contents) // 2] ^= 1
    _assert_refused(bytes(flipped), "has another checksum")
    _assert_refused(contents + b"more sound", "no page of Ogg at byte")
    _assert_refused(contents[:-1], "last page of Ogg is there in part")
    _assert_refused(b"".join(pages[:-1]) + contents, "no end before the next one")
    other = [_renumber(page, serial=77) for page in pages]
    _assert_refused(pages[0] + other[0] + b"".join(pages[1:] + other[1:]), "streams side by side")


def test_codecs_of_ogg_that_are_not_read():
    pages = _pages(encode(_SAMPLES, 16000, "OGG", "VORBIS"))
    for mark, name in (
        (b"Speex   ", "Speex"),
        (b"fishead\0", "skeleton"),
        (b"unheard!", "not known"),
    ):
        first = pages[0].replace(b"\x01vorbis", mark[:7]) if len(mark) == 7 else None
        first = first or pages[0][:28] + mark + pages[0][36:]
        contents = b"".join([_renumber(first), *pages[1:]])
        _assert_refused(contents, f"Ogg with .*{name}.* is not read: convert it to WAV")


# Other files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contents", "pattern"),
    [
        (
            encode_with_ffmpeg(_SAMPLES, 16000, "ipod", "aac"),
            "MP4 .* is not read: convert .*ffmpeg",
        ),
        (encode_with_ffmpeg(_SAMPLES, 16000, "adts", "aac"), "raw AAC .* is not read: convert"),
        (encode_with_ffmpeg(_SAMPLES, 48000, "webm", "libopus"), "WebM .* is not read: convert"),
        (encode_with_ffmpeg(_SAMPLES, 16000, "wv", "wavpack"), "WavPack .* is not read: convert"),
        (encode_with_ffmpeg(_SAMPLES, 16000, "tta", "tta"), "True Audio .* is not read: convert"),
        (encode_with_ffmpeg(_SAMPLES, 16000, "caf", "alac"), "CAF with codec b'alac' .* convert"),
        (
            encode_with_ffmpeg(_SAMPLES, 16000, "avi", "pcm_s16le"),
            "RIFF of the kind .*AVI.* convert",
        ),
        (encode(_SAMPLES, 16000, "VOC", "PCM_16"), "Creative Voice .* is not read: convert"),
        (encode(_SAMPLES, 16000, "IRCAM", "PCM_16"), "IRCAM .* is not read: convert"),
        (
            encode(_SAMPLES, 16000, "AIFF", "IMA_ADPCM"),
            "AIFF-C with codec b'ima4' is not read: con",
        ),
        (encode(_SAMPLES, 16000, "AU", "G721_32"), "AU with encoding 23 is not read: convert"),
        (
            encode(_SAMPLES, 16000, "WAV", "G721_32"),
            "codec 0x40 .G.721 ADPCM. is not read: convert",
        ),
        (_riff().replace(b"\x10\0\0\0\1\0", b"\x10\0\0\0\x61\1"), "0x161 .Windows Media Audio. is"),
        (_sphere(coding=b"pcm,embedded-shorten-v2.00"), "shorten-v2.00 is not read: convert"),
        (b"#!AMR\n" + bytes(99), "AMR .* is not read: convert"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(99), "Windows Media .* is not read: convert"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"PK\3\4" + bytes(99), "an archive: unpack it"),
        (b"hello, this is a text and no sound at all", r"not readable as audio \(text\)"),
        (bytes(1000), "zeros, as from a download that was broken off"),
        (bytes(range(1, 100)), "not readable as audio: expected .*.wav .*.opus"),
        (b"RIFF", "is not read|damaged or truncated"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_other_files_are_named_with_the_next_step(contents, pattern):
    _assert_refused(contents, pattern)


def test_each_extension_belongs_to_a_container_that_is_read():
    assert len(set(AUDIO_EXTENSIONS)) == len(AUDIO_EXTENSIONS)
    from vggish_inversion.audio import header

    for extension in AUDIO_EXTENSIONS:
        assert extension in (header.__doc__ or "")
    for extension in (".opus", ".oga", ".aiff", ".aif", ".au", ".w64", ".rf64", ".caf", ".sph"):
        assert extension in AUDIO_EXTENSIONS
