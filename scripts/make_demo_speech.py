"""Regenerates the bundled demo clips, scripts/demo_speech: nine sentences in three flite voices."""

import csv
import pathlib
import shutil
import subprocess
import sys
import tempfile

import soundfile
from absl import app, flags

from vggish_inversion import audio

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    str(pathlib.Path(__file__).parent / "demo_speech"),
    "Folder that the clips and transcripts.csv are written to.",
)
_FLITE = flags.DEFINE_string("flite", "flite", "The flite program: a name on PATH, or a path.")

# (utterance, voice, text): written for this project, so that the clips carry no foreign licence.
_SENTENCES = (
    ("slt-garden", "slt", "The rain has stopped, and now we can hear the birds in the garden."),
    ("slt-train", "slt", "My sister called to say that the train from the city will be late."),
    ("slt-music", "slt", "Turn the music down a little, because the children are asleep upstairs."),
    ("rms-radio", "rms", "He listened to the old radio every night before he went to bed."),
    ("rms-snow", "rms", "A strong wind from the north brought snow to the mountains last week."),
    (
        "rms-number",
        "rms",
        "Please leave your name and number, and we will call you in the morning.",
    ),
    ("awb-river", "awb", "We walked along the river until the sound of the road was gone."),
    ("awb-doctor", "awb", "The doctor asked me to close my eyes and say what I could hear."),
    (
        "awb-hotel",
        "awb",
        "There is a small hotel near the station where you can stay for the night.",
    ),
)


def _speak(flite, voice, text):
    """Returns what flite's `voice` says: `[samples]` int16 and its rate in Hz."""
    with tempfile.TemporaryDirectory() as folder:
        wav = pathlib.Path(folder, "speech.wav")
        subprocess.run([flite, "-voice", voice, "-t", text, "-o", wav], check=True)
        return soundfile.read(wav, dtype="int16")


def main(argv):
    """Speaks the sentences and writes one FLAC file each, with a table of what they say."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {' '.join(argv[1:])}")
    flite = shutil.which(_FLITE.value)
    if flite is None:
        print(
            f"{_FLITE.value} not found: apt-get install flite, or pass --flite=PATH",
            file=sys.stderr,
        )
        return 1
    output_dir = pathlib.Path(_OUTPUT_DIR.value)
    output_dir.mkdir(parents=True, exist_ok=True)
    for utterance, voice, text in _SENTENCES:
        waveform, sample_rate_hz = _speak(flite, voice, text)
        if sample_rate_hz != audio.SAMPLE_RATE_HZ:
            print(f"{voice} speaks at {sample_rate_hz} Hz, expected 16000: use flite's own voices")
            return 1
        soundfile.write(output_dir / f"{utterance}.flac", waveform, sample_rate_hz)
    with open(output_dir / "transcripts.csv", "w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["utterance", "speaker", "text"])
        writer.writerows(_SENTENCES)
    print(f"{len(_SENTENCES)} clips in {output_dir}")
    return 0


if __name__ == "__main__":
    app.run(main)
