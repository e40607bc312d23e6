"""Every container that is read: whole, as ffmpeg decodes it; cut, refused or as long as before."""

import numpy as np
import pytest

from tests.audio import made_audio
from vggish_inversion.audio import AudioError, decoding

_NUM_CUTS = 20
_QUICK = [(kind, 1 if kind.max_channels < 6 else 2, 0) for kind in made_audio.KINDS]
_RATES_HZ = (8000, 16000, 44100, 48000)
_WHOLE = [
    (kind, channels, rate)
    for kind in made_audio.KINDS
    for channels in (1, 2, 6)
    for rate in kind.rates_hz or _RATES_HZ
    if channels <= kind.max_channels
]


def _name(value):
    return value.name if isinstance(value, made_audio.Kind) else str(value)


def _check(kind, channels, rate_hz):
    rate_hz = rate_hz or (kind.rates_hz or (16000,))[0]
    samples = made_audio.noisy_tone(5003, rate_hz, channels)
    contents = kind.make(samples, rate_hz)
    whole, found_hz = decoding.decode_channels(contents)
    reference, reference_hz = made_audio.decode_with_ffmpeg(
        contents if kind.twin is None else kind.twin(samples, rate_hz)
    )
    assert (found_hz, whole.shape[1]) == (reference_hz, channels) == (rate_hz, channels)
    if kind.trims:
        assert len(whole) == len(samples) <= len(reference)
        reference = reference[: len(whole)]
    assert len(whole) == len(reference) >= len(samples)
    ordered = whole[:, kind.order_of_6] if channels == 6 else whole
    np.testing.assert_allclose(ordered, reference, rtol=0, atol=kind.tolerance)

    refused = 0
    rng = np.random.default_rng(0)
    # Headers, the whole of the file, and its last bytes.
    cuts = [*rng.integers(1, 200, 4), *rng.integers(200, len(contents), _NUM_CUTS - 8)]
    cuts += [len(contents) - place for place in (1, 2, 3, 40)]
    for cut in cuts:
        try:
            found, _ = decoding.decode_channels(contents[:cut])
        except AudioError as error:
            assert "\n" not in str(error)
            refused += 1
            continue
        if kind.is_open:
            assert len(found), cut
            # Nothing tells that it was cut, and all that is there is given.
            np.testing.assert_array_equal(found, whole[: len(found)], err_msg=f"cut at {cut}")
        else:
            assert len(found) == len(whole), f"{len(found)} of {len(whole)} samples, cut at {cut}"
            np.testing.assert_array_equal(found, whole, err_msg=f"cut at {cut}")
    assert refused >= (4 if kind.is_open else _NUM_CUTS - 4)


@pytest.mark.parametrize(("kind", "channels", "rate_hz"), _QUICK, ids=_name)
def test_whole_or_refused(kind, channels, rate_hz):
    _check(kind, channels, rate_hz)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "channels", "rate_hz"), _WHOLE, ids=_name)
def test_whole_or_refused_at_any_rate_with_any_channels(kind, channels, rate_hz):
    _check(kind, channels, rate_hz)
