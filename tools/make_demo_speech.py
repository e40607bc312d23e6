"""Lets flite speak the bundled demo clips: a FLAC file for each row of transcripts.csv.

python tools/make_demo_speech.py

A clip that is there is kept: delete it to have it spoken again.
"""

import csv
import pathlib
import shutil
import subprocess
import sys
import tempfile

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts"))

import command

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    str(pathlib.Path(__file__).resolve().parents[1] / "scripts" / "demo_speech"),
    "Folder with transcripts.csv (utterance,speaker,text; the speaker is a flite voice), where "
    "the clips are written.",
)
_FLITE = flags.DEFINE_string("flite", "flite", "The flite program: a name on PATH, or a path.")
_SAMPLE_RATE_HZ = 16000


def _speak(flite, row, path):
    """Writes what a flite voice makes of the row's text."""
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        wav = pathlib.Path(folder, "speech.wav")
        speak = [flite, "-voice", row["speaker"], "-t", row["text"], "-o", str(wav)]
        subprocess.run(speak, check=True)
        pcm, sample_rate_hz = soundfile.read(wav, dtype="int16")
    if sample_rate_hz != _SAMPLE_RATE_HZ:
        raise ValueError(
            f"voice {row['speaker']} speaks at {sample_rate_hz} Hz: use one of {_SAMPLE_RATE_HZ} Hz"
        )
    soundfile.write(path, pcm, sample_rate_hz)


def main():
    """Speaks all rows."""
    flite = shutil.which(_FLITE.value)
    if flite is None:
        raise FileNotFoundError(
            f"no program {_FLITE.value!r}: apt-get install flite, or give its path to --flite"
        )
    folder = pathlib.Path(_OUTPUT_DIR.value)
    with open(folder / "transcripts.csv", encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    for row in rows:
        path = folder / f"{row['utterance']}.flac"
        if not path.exists():
            _speak(flite, row, path)
    print(f"{len(rows)} clips are in {folder}")


if __name__ == "__main__":
    command.run(main)
