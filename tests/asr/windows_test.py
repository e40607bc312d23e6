"""Windows of Whisper: where a clip is parted, how long each is, and OpenAI's own features."""

import numpy as np
import pytest
from transformers.models.whisper import feature_extraction_whisper

from vggish_inversion.asr import windows


def _noise(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    return 0.1 * rng.standard_normal(int(seconds * 16000)).astype(np.float32)


def test_a_long_clip_is_parted_where_it_is_quiet():
    waveform = _noise(70)
    for pause in (27.3, 55.1):
        waveform[int(pause * 16000) : int((pause + 0.3) * 16000)] = 0
    pieces = windows.split_at_quiet(waveform)
    np.testing.assert_array_equal(np.concatenate(pieces), waveform)
    ends = np.cumsum([len(piece) for piece in pieces])[:-1] / 16000
    assert len(ends) == 2
    for end, pause in zip(ends, (27.3, 55.1), strict=True):
        assert pause <= end <= pause + 0.3, f"parted at {end} s"


def test_thirty_seconds_are_one_window():
    assert len(windows.split_at_quiet(_noise(30))) == 1
    assert len(windows.split_at_quiet(_noise(30.01))) == 2


@pytest.mark.parametrize(
    ("seconds", "frames"),
    [(1 / 16000, 400), (1, 400), (1.01, 600), (6.5, 1000), (25, 2800), (25.1, 3000), (30, 3000)],
)
def test_silence_follows_each_clip(seconds, frames):
    assert windows.window_frames(round(seconds * 16000)) == frames


def test_a_short_window_holds_what_the_whole_one_begins_with():
    waveform = _noise(2.5)
    whole = feature_extraction_whisper.WhisperFeatureExtractor(feature_size=80)(
        waveform, sampling_rate=16000, return_tensors="np"
    )["input_features"]
    made = windows.feature_extractor(80)([waveform, waveform[:9000]], 600)
    assert made.shape == (2, 80, 600)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made[0], whole[0, :, :600], atol=1e-5)
