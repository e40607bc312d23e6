"""Digests tell files apart by what is in them, and by nothing else."""

import hashlib

from vggish_inversion.files import contents


def test_a_digest_is_of_the_bytes(tmp_path):
    paths = [tmp_path / name for name in "abc"]
    for path, content in zip(paths, (b"one", b"one", b"two"), strict=True):
        path.write_bytes(content)
    expected = [hashlib.sha256(content).hexdigest()[:16] for content in (b"one", b"one", b"two")]
    assert contents.digest_all([*paths, tmp_path / "none", tmp_path]) == [
        *expected,
        contents.UNREADABLE,
        contents.UNREADABLE,
    ]


def test_a_folder_is_its_files_and_their_places(tmp_path):
    def write(name: str, files: dict[str, str]) -> str:
        for place, content in files.items():
            path = tmp_path / name / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return contents.digest_folder(tmp_path / name)

    files = {"model/words.dict": "a b", "model/en/mdef": "1"}
    same = {**files, "model/__pycache__/x.pyc": "now"}
    first = write("first", files)
    assert write("second", same) == first
    assert write("third", {**files, "model/en/mdef": "2"}) != first
    assert write("fourth", {"model/words.dict": "a b", "model/de/mdef": "1"}) != first
