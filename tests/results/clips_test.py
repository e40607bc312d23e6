"""Each row finds its own sound: as evaluation wrote it, and in folders from before."""

import pathlib

import numpy as np
import pytest
import soundfile

from tests import small_runs, speech
from vggish_inversion import audio, evaluation, report, results, vocoders
from vggish_inversion.data import corpora
from vggish_inversion.targets import loading

# Of two folders of one name, of another case, and the names that they were confused with.
_GAINS = {"griffin_lim": 0.5, "vocos": 0.4, "runs/a/vocos": 0.3, "runs/b/vocos": 0.2, "Vocos": 0.1}

_IDS = ("語" * 80, "../../secret")


class _Recogniser:
    name, fingerprint, rules = "parrot", "none", "letters"

    def transcribe_all(self, waveforms):
        for _ in waveforms:
            yield "words"


class _Vocoder:
    fingerprint = "none"

    def __init__(self, name, params):
        self._gain, self._hop_samples = _GAINS[name], params.hop_samples

    def __call__(self, log_mel):
        batch, num_frames, _ = log_mel.shape
        return np.full((batch, num_frames * self._hop_samples), self._gain, np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A results folder whose vocoders give a constant, each another."""
    made = tmp_path_factory.mktemp("clips")
    target = loading.load_target("small_encoder/speech_commands")
    runs = [small_runs.write(made / "run", target, "layer_0")]
    utterances = [corpora.Utterance(name, speech.CLIPS[0], "words") for name in _IDS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocoders, "load_vocoder", _Vocoder)
        patch.setattr(evaluation.Grid, "load_transcribers", lambda _: {"parrot": _Recogniser()})
        evaluation.evaluate_runs(
            utterances,
            target,
            runs,
            grid=evaluation.Grid(vocoders=tuple(_GAINS), metrics=()),
            output_dir=made / "results",
            settings={"data_dir": ["demo_speech"], "split": "all"},
        )
    return made / "results"


def _middle(path: pathlib.Path | None) -> float:
    assert path is not None
    waveform, _ = soundfile.read(path)
    return float(np.median(waveform))


def test_every_row_finds_its_own_clip(folder):
    read = results.read_results(folder)
    rows = [row for by_condition in read.reconstructions.values() for row in by_condition.values()]
    assert len(rows) == 2 * (1 + 2 * len(_GAINS))
    for row in rows:
        assert row.is_ok, row.status
        clip = read.find_clip("audio", row)
        if row.condition.layer == "natural":
            natural = audio.read_audio(speech.CLIPS[0])
            np.testing.assert_allclose(soundfile.read(clip)[0], natural, atol=1e-4)
        else:
            assert _middle(clip) == pytest.approx(_GAINS[row.condition.vocoder], abs=1e-4)
            assert np.load(read.find_clip("log_mel", row)).shape[1] == 64
    places = [path.relative_to(folder) for path in folder.rglob("*.wav")]
    assert len({str(place).casefold() for place in places}) == len(places) == len(rows)


def test_the_page_plays_each_vocoder_under_its_own_label(folder, tmp_path):
    from tests.report import document

    page = document.parse(report.write_page(folder, tmp_path / "x.html").read_text("utf-8"))
    played = {}
    for take in page.find_all("section", class_="utterance")[0].find_all("li", class_="take"):
        label = take.find_all("span", class_="name")[0].text
        (player,) = take.find_all("audio")
        played[label] = player.attributes["src"]
    assert len(played) == len(set(played.values())) + len(_GAINS) == 1 + 2 * len(_GAINS)
    for vocoder in _GAINS:
        assert played[f"layer_0 · {vocoder}"] == played[f"true log-mel · {vocoder}"]


def _write(root: pathlib.Path, name: str, gain: float) -> None:
    path = root / "audio" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    audio.write_wav(path, np.full(160, gain, np.float32))


def _old_folder(root: pathlib.Path, chosen: list[str]) -> results.Results:
    rows = {}
    for vocoder in chosen:
        condition = results.Condition("vggish", "conv4", "large", "l1", vocoder, "parrot")
        rows[condition] = results.Reconstruction(
            condition, "a", "", "", *[None] * 5, "ok", "letters"
        )
    return results.Results(root, (), {"a": rows}, (), None)


def test_folders_from_before_are_read(tmp_path):
    _write(tmp_path, "conv4/large-l1/a.wav", 0.5)
    _write(tmp_path, "conv4/large-l1-vocos/a.wav", 0.25)
    read = _old_folder(tmp_path, ["griffin_lim", "runs/a/vocos"])
    found = [_middle(read.find_clip("audio", row)) for row in read.reconstructions["a"].values()]
    assert found == pytest.approx([0.5, 0.25], abs=1e-4)


def test_what_two_vocoders_wrote_over_is_nobodys(tmp_path):
    _write(tmp_path, "conv4/large-l1-vocos/a.wav", 0.25)
    read = _old_folder(tmp_path, ["runs/a/vocos", "runs/b/vocos", "vocos", "griffin_lim"])
    for row in read.reconstructions["a"].values():
        assert read.find_clip("audio", row) is None


def test_of_two_vocoders_the_one_with_a_place_of_its_own_frees_the_other(tmp_path):
    read = _old_folder(tmp_path, ["runs/a/vocos", "vocos"])
    by_path, by_name = read.reconstructions["a"].values()
    _write(tmp_path, by_name.condition.folder("audio").removeprefix("audio/") + "/a.wav", 0.25)
    assert read.find_clip("audio", by_name) is None  # the other may have written it
    _write(tmp_path, by_path.condition.folder("audio").removeprefix("audio/") + "/a.wav", 0.5)
    assert _middle(read.find_clip("audio", by_name)) == pytest.approx(0.25, abs=1e-4)
    assert _middle(read.find_clip("audio", by_path)) == pytest.approx(0.5, abs=1e-4)


def test_the_missing_clip_of_a_vocoder_is_not_griffin_lims(tmp_path):
    _write(tmp_path, "conv4/large-l1/a.wav", 0.5)
    _write(tmp_path, "conv4/a.wav", 0.5)
    read = _old_folder(tmp_path, ["griffin_lim", "runs/a/vocos", "vocos"])
    found = [read.find_clip("audio", row) for row in read.reconstructions["a"].values()]
    assert [path is not None for path in found] == [True, False, False]
