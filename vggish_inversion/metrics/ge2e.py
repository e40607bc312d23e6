"""Embeds speakers by GE2E, with Resemblyzer's published weights, on Keras.

Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018: three LSTMs of 256
and a linear layer with a ReLU read 1.6 seconds of a mel power spectrogram; an utterance's embedding
is the mean of those of its parts. Network, front end and the cutting into parts are those of
https://github.com/resemble-ai/Resemblyzer (Apache-2.0), whose wheel has the weights
(`resemblyzer/pretrained.pt`). Its voice activity detector is left out: pauses stay in.
"""

import pathlib

import keras
import numpy as np

from vggish_inversion.files import hub

_SAMPLE_RATE_HZ = 16000
_WINDOW_SAMPLES, _HOP_SAMPLES, _NUM_BANDS = 400, 160, 40
_PART_FRAMES = 160
_PART_SAMPLES = _PART_FRAMES * _HOP_SAMPLES
_STEP_FRAMES = 77  # 1.3 parts per second
_LEAST_COVERAGE = 0.75  # of the last part, or it is left out
_LEAST_LEVEL_DB = -30  # of full scale: quieter waveforms are raised to it, louder ones stay
_NUM_UNITS, _NUM_LAYERS, _SIZE = 256, 3, 256
_BATCH_SIZE = 64  # parts at a time: 104 seconds of speech


class Ge2eEncoder:
    """Waveform -> embedding of its speaker, `[256]` of length 1 and at least 0."""

    def __init__(self, path: hub.Source):
        """Loads the weights.

        Args:
            path: Resemblyzer's `pretrained.pt`, or its arrays under the same names in a
                `.safetensors` or `.npz` file.

        Raises:
            ValueError: if they cannot be read, or are another network's.
        """
        self._path = pathlib.Path(path).expanduser()
        if not self._path.is_file():
            raise ValueError(
                f"{self._path}: expected the weights of GE2E, found no file; pip download "
                "resemblyzer --no-deps, and unzip resemblyzer/pretrained.pt out of the wheel"
            )
        self._network = build_network()
        _load_weights(self._network, self._path)
        self.fingerprint = f"ge2e, sha256:{hub.sha256(self._path)}"

    def __repr__(self) -> str:
        """What it is."""
        return f"<Ge2eEncoder of {self._path.name}>"

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        """Embeds `[samples]` float at 16 kHz; without samples, or of silence alone, nan."""
        waveform = normalize_level(np.asarray(waveform, np.float32))
        if not waveform.any():
            return np.full(_SIZE, np.nan, np.float32)
        starts = part_starts(len(waveform))
        missing = max(0, starts[-1] * _HOP_SAMPLES + _PART_SAMPLES - len(waveform))
        mel = mel_power(np.pad(waveform, (0, missing)))
        parts = np.stack([mel[start : start + _PART_FRAMES] for start in starts])
        batches = [parts[i : i + _BATCH_SIZE] for i in range(0, len(parts), _BATCH_SIZE)]
        embeddings = np.concatenate([self._network.predict_on_batch(batch) for batch in batches])
        mean = embeddings.mean(axis=0)
        length = np.linalg.norm(mean)
        return mean / length if length else np.full(_SIZE, np.nan, np.float32)


def build_network() -> keras.Model:
    """`[batch, frames, 40]` float32 mel power -> `[batch, 256]` of length 1; weights random."""
    inputs = keras.Input((None, _NUM_BANDS), name="mel_power")
    tensor = inputs
    for number in range(_NUM_LAYERS):
        is_last = number == _NUM_LAYERS - 1
        tensor = keras.layers.LSTM(
            _NUM_UNITS, return_sequences=not is_last, dtype="float32", name=f"lstm_{number}"
        )(tensor)
    tensor = keras.layers.Dense(_SIZE, activation="relu", dtype="float32", name="linear")(tensor)
    outputs = keras.layers.UnitNormalization(dtype="float32", name="embedding")(tensor)
    network = keras.Model(inputs, outputs, name="ge2e")
    network.trainable = False
    return network


def normalize_level(waveform: np.ndarray) -> np.ndarray:
    """Raises a waveform whose level is below -30 dB of full scale to that level.

    >>> normalize_level(np.array([0.0001, -0.0001], np.float32)).round(4)
    array([ 0.0316, -0.0316], dtype=float32)
    """
    level = np.sqrt(np.mean(np.square(waveform, dtype=np.float64))) if len(waveform) else 0.0
    least = 10 ** (_LEAST_LEVEL_DB / 20)
    return waveform if level >= least or not level else waveform * np.float32(least / level)


def part_starts(num_samples: int) -> list[int]:
    """The frames where the parts of 160 frames begin, half overlapping; the last may be padded.

    >>> part_starts(16000), part_starts(5 * 16000)
    ([0], [0, 77, 154, 231, 308])
    """
    num_frames = -(-(num_samples + 1) // _HOP_SAMPLES)
    starts = list(range(0, max(1, num_frames - _PART_FRAMES + _STEP_FRAMES + 1), _STEP_FRAMES))
    coverage = (num_samples - starts[-1] * _HOP_SAMPLES) / _PART_SAMPLES
    return starts[:-1] if coverage < _LEAST_COVERAGE and len(starts) > 1 else starts


def mel_power(waveform: np.ndarray) -> np.ndarray:
    """`[samples]` at 16 kHz -> `[frames, 40]` mel power, no logarithm; frames are centred."""
    import librosa  # with numba behind it

    mel = librosa.feature.melspectrogram(
        y=waveform,
        sr=_SAMPLE_RATE_HZ,
        n_fft=_WINDOW_SAMPLES,
        hop_length=_HOP_SAMPLES,
        n_mels=_NUM_BANDS,
    )
    return mel.astype(np.float32).T


def _load_weights(network: keras.Model, path: pathlib.Path) -> None:
    """Assigns weights that have the names and axes of PyTorch, whose gates come in Keras' order."""
    shapes = {"linear.weight": (_SIZE, _NUM_UNITS), "linear.bias": (_SIZE,)}
    for number in range(_NUM_LAYERS):
        num_inputs = _NUM_UNITS if number else _NUM_BANDS
        for name, size in (("weight_ih", (num_inputs,)), ("weight_hh", (_NUM_UNITS,))):
            shapes[f"lstm.{name}_l{number}"] = (4 * _NUM_UNITS, *size)
        for name in ("bias_ih", "bias_hh"):
            shapes[f"lstm.{name}_l{number}"] = (4 * _NUM_UNITS,)
    values = hub.read_variables(path, shapes=shapes)
    for number in range(_NUM_LAYERS):
        kernel, recurrent, *biases = (
            values[f"lstm.{name}_l{number}"]
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        layer = network.get_layer(f"lstm_{number}")
        layer.set_weights([kernel.T, recurrent.T, biases[0] + biases[1]])
    network.get_layer("linear").set_weights([values["linear.weight"].T, values["linear.bias"]])
