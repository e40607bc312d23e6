"""Names of folders and files, whatever they are made of."""

import itertools
import unicodedata

import pytest

from vggish_inversion.files import names

# Likely and unlikely names of layers, vocoders, recognisers and presets.
ODD = [
    *("layer_1", "Layer_1", "LAYER_1", "pool4", "conv1.2", "conv1/2", "conv1-2", "conv1_2"),
    *("vocos", "Vocos", "runs/a/vocos", "runs/b/vocos", "./runs/a/vocos", "runs/a/vocos/"),
    *("runs\\a\\vocos", "/home/a/vocos", "~/vocos", "vocos~91e283cbf59a", "a_vocos"),
    *("", " ", ".", "..", "...", "a.", ".a", "-", "--output=x", "con", "NUL", "nul.txt", "com1"),
    *("a b", "a\tb", "a\nb", "a\0b", "a:b", "a*b", 'a"b', "\ud800", "😀"),
    *("語" * 80, "語" * 79, "x" * 80, "x" * 81, "x" * 5000, "X" * 80),
    *("straße", "strasse", "STRASSE", "İ", "i", "ı", "I"),
    *(unicodedata.normalize(form, "Größe-é-が") for form in ("NFC", "NFD")),
]


def _as_file_systems_see_it(name: str) -> str:
    """Without case, or the form in which letters are composed (macOS, Windows)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("make", [names.folder_name, names.file_name])
def test_is_safe_and_short(make, text):
    name = make(text)
    assert len(name.encode()) <= (80 if make is names.folder_name else 200)
    if make is names.folder_name and not text:
        assert name == ""
        return
    assert name and name == name.strip(" ") and not name.startswith(".") and name[-1] != "."
    assert not set(name) & set('\0\t\n/\\:*?"<>|')
    assert name.casefold().split(".")[0] not in ("con", "nul", "com1")
    assert make(text) == name


@pytest.mark.parametrize("make", [names.folder_name, names.file_name])
def test_no_two_share_a_name(make):
    for a, b in itertools.combinations(dict.fromkeys(ODD), 2):
        if make is names.file_name and a.casefold() == b.casefold():
            continue  # files keep the capitals that utterances have, as LJ050-0001
        assert _as_file_systems_see_it(make(a)) != _as_file_systems_see_it(make(b)), (a, b)


def test_joined_by_dashes_they_stay_apart():
    made = {}
    for parts in itertools.product(["", "a", "a-a", "-a", "a-", "a_a"], repeat=3):
        assert made.setdefault("-".join(map(names.folder_name, parts)), parts) == parts


def test_usual_names_stay_as_they_are():
    for text in ("natural", "true_log_mel", "layer_0", "pool4", "fc1_1", "griffin_lim", "vocos"):
        assert names.folder_name(text) == text
    for text in ("LJ050-0001", "84-121123-0000", "p225_001", "a b", "語" * 60, "Größe", "it's"):
        assert names.file_name(text) == text


def test_are_stable():
    """Folders on disk depend on these; the digits are what sha256sum begins with."""
    assert names.folder_name("runs/a/vocos") == "a_vocos~88c9099de84e"
    assert names.folder_name("Conv_1") == "Conv_1~d7a09ae53d92"
    assert names.file_name("..") == "_~5ec1f7e700f3"
