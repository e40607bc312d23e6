"""The bundled clips, and small corpora that tests write from them."""

import dataclasses
import os
import pathlib

import numpy as np
import soundfile

from vggish_inversion import audio
from vggish_inversion.data import corpora
from vggish_inversion.data.utterances import Utterance

DEMO_SPEECH = pathlib.Path(__file__).parents[1] / "scripts" / "demo_speech"
CLIPS = sorted(DEMO_SPEECH.glob("*.flac"))


def read_clip(index: int = 0) -> np.ndarray:
    """One bundled clip: `[samples]` float32."""
    return audio.read_audio(CLIPS[index])


def write_ljspeech(folder: pathlib.Path, ids, *, num_samples: int = 20000) -> pathlib.Path:
    """Writes an LJSpeech of the given ids, cut from the bundled clips; returns its folder."""
    (folder / "wavs").mkdir(parents=True)
    lines = []
    for index, name in enumerate(ids):
        waveform = read_clip(index % len(CLIPS))[:num_samples]
        soundfile.write(folder / "wavs" / f"{name}.wav", waveform, 16000)
        lines.append(f"{name}|Text {index}.|Text number {index}.")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def begin(folder: pathlib.Path, num_clips: int, *, seconds: float = 2.0) -> list[Utterance]:
    """The first seconds of bundled clips, with their whole texts: half the work of a whole clip."""
    found = []
    for utterance in corpora.read_corpus(DEMO_SPEECH)[:num_clips]:
        path = folder / f"{utterance.id}.wav"
        soundfile.write(path, audio.read_audio(utterance.path)[: int(16000 * seconds)], 16000)
        found.append(dataclasses.replace(utterance, path=path))
    return found


def disturb(path: pathlib.Path) -> None:
    """Replaces a wav by noise of the same length; name, size and date stay as they are."""
    before = path.stat()
    waveform, rate = soundfile.read(path, dtype="float32")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, waveform.shape)
    soundfile.write(path, noise, rate)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
