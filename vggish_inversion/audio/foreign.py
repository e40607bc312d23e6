"""Names the formats that are not read, by their first bytes, with the next step."""

import re

_HEAD_BYTES = 400
# What ffmpeg converts: place of the mark, the mark, what it is.
_SOUND = (
    (4, rb"ftyp", "MP4 (.m4a, .mp4, .3gp)"),
    (0, rb"\x1a\x45\xdf\xa3", "Matroska or WebM (.mka, .mkv, .webm)"),
    (0, rb"\xff[\xf0\xf1\xf8\xf9]|ADIF", "raw AAC (.aac)"),
    (0, rb"#!AMR", "AMR (.amr)"),
    (0, rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media (.wma, .wmv, .asf)"),
    (0, rb"wvpk", "WavPack (.wv)"),
    (0, rb"TTA[12]", "True Audio (.tta)"),
    (0, rb"MAC ", "Monkey's Audio (.ape)"),
    (0, rb"MPCK|MP\+", "Musepack (.mpc)"),
    (0, rb"ajkg", "Shorten (.shn)"),
    (0, rb"DSD |FRM8", "DSD (.dsf, .dff)"),
    (0, rb"\x0b\x77", "AC-3 (.ac3)"),
    (0, rb"\x7f\xfe\x80\x01", "DTS (.dts)"),
    (0, rb"FLV\x01", "Flash video (.flv)"),
    (0, rb"\x47.{187}\x47", "an MPEG transport stream (.ts)"),
    (0, rb"\x00\x00\x01\xba", "an MPEG program stream (.mpg, .vob)"),
    (0, rb"Creative Voice File\x1a", "Creative Voice (.voc)"),
    (0, rb"\.SoX|XoS\.", "SoX's own format (.sox)"),
    (0, rb"\x64\xa3[\x01-\x04]\x00|\x00[\x01-\x04]\xa3\x64", "IRCAM sound (.sf)"),
    (0, rb"2BIT", "AVR (.avr)"),
    (0, rb"PVF1", "Portable Voice Format (.pvf)"),
    (0, rb" paf|fap ", "Ensoniq PARIS (.paf)"),
)
_OTHER = (
    (0, rb"version https://git-lfs\.", "a Git LFS pointer: fetch the file with `git lfs pull`"),
    (0, rb"(?i)\s*<(!doctype|html|\?xml)", "a web page or XML, saved in place of the file"),
    (0, rb"MThd", "MIDI, which has notes and no sound"),
    (0, rb"MATLAB 5\.0", "a MATLAB file"),
    (0, rb"\x93NUMPY", "a NumPy array"),
    (0, rb"PK\x03\x04|\x1f\x8b|\xfd7zXZ|7z\xbc\xaf|Rar!|BZh", "an archive: unpack it"),
    (0, rb"\x89HDF", "an HDF5 file"),
    (0, rb"%PDF", "a PDF"),
    (0, rb"\x89PNG|\xff\xd8\xff|GIF8", "a picture"),
    (0, rb"\0{64}", "zeros, as from a download that was broken off"),
    (0, rb"[\t\n\r -~]{32}", "text"),
)


def foreign_sound(contents: bytes) -> str:
    """Says what sound a file holds that is not read; nothing where that is not known."""
    return _name(contents, _SOUND)


def foreign_file(contents: bytes) -> str:
    """Says what a file without sound is; nothing where that is not known."""
    return _name(contents, _OTHER)


def _name(contents: bytes, marks: tuple[tuple[int, bytes, str], ...]) -> str:
    head = bytes(contents[:_HEAD_BYTES])
    for place, mark, name in marks:
        if re.compile(mark, re.DOTALL).match(head, place):
            return name
    return ""
