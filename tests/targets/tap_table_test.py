"""The tap tables: what they say, what the script prints, and that the documentation agrees."""

import pathlib
import re
import subprocess
import tempfile

import tensorflow as tf

from tests import networks, script_runner
from vggish_inversion.targets import encoder, loading, tap_table

_ROOT = pathlib.Path(__file__).parents[2]


def _list_taps(*flags: str) -> subprocess.CompletedProcess:
    return script_runner.run("list_taps.py", *flags)


class TapTableTest(tf.test.TestCase):
    def test_rows(self):
        rows = {
            row[0]: row[1:]
            for row in tap_table.tap_rows(loading.load_target("vggish", weights="untrained"))
        }
        # 48 x 32 x 64 values every 0.96 s; a field of 4 frames lasts 25 ms and three hops of 10.
        self.assertEqual(rows["pool1"], ("48 x 32 x 64", "relu", "102,400", "4 x 4", "55"))
        # The field of 70 x 70 is cut where the patch ends.
        self.assertEqual(rows["pool4"], ("6 x 4 x 512", "relu", "12,800", "70 x 64", "715"))
        self.assertEqual(rows["fc2"], ("128", "linear", "133", "whole patch", "975"))

    def test_the_hop_counts(self):
        target = encoder.TargetEncoder.from_keras(
            networks.small_cnn(), log_mel={"patch_hop_frames": 48}
        )
        [row] = [row for row in tap_table.tap_rows(target) if row[0] == "average"]
        self.assertEqual(row[3], "8")  # 4 values every 0.48 s

    def test_text_is_aligned(self):
        text = tap_table.format_text([("a", "1 x 2", "relu", "12", "3 x 3", "45")])
        head, line = text.splitlines()
        self.assertEqual(head, "layer  shape  activation  values/s  receptive field  ms")
        self.assertEqual(line, "a      1 x 2  relu              12  3 x 3            45")

    def test_bands_without_a_bin_are_named(self):
        settings = {"low_hz": 20.0}
        target = encoder.TargetEncoder.from_keras(
            networks.small_cnn((96, 128, 1)), log_mel=settings
        )
        *_, line = tap_table.front_end_lines(target)
        self.assertEqual(line, "bands without a bin of an FFT of 512 samples, always silent: 2")
        target = encoder.TargetEncoder.from_keras(networks.small_cnn((96, 64, 1)))
        self.assertNotIn("without a bin", " ".join(tap_table.front_end_lines(target)))

    def test_the_front_end_that_is_assumed(self):
        target = encoder.TargetEncoder.from_keras(
            networks.small_cnn((96, None, 1)), log_mel={"log_offset": 0.001, "num_bands": 64}
        )
        lines = [line.split(None, 2) for line in tap_table.front_end_lines(target)]
        self.assertEqual(
            {name: (value, source) for name, value, source in lines},
            {
                "axes": ("frames,bands", "assumed"),
                "sample_rate_hz": ("16000", "assumed, as VGGish's"),
                "window_seconds": ("0.025", "assumed, as VGGish's"),
                "hop_seconds": ("0.01", "assumed, as VGGish's"),
                "num_bands": ("64", "stated"),
                "low_hz": ("125", "assumed, as VGGish's"),
                "high_hz": ("7500", "assumed, as VGGish's"),
                "log_offset": ("0.001", "stated"),
                "patch_frames": ("96", "of the input's shape"),
                "patch_hop_frames": ("96", "assumed, side by side"),
            },
        )
        lines = tap_table.front_end_lines(loading.load_target("vggish", weights="untrained"))
        self.assertLen(lines, 9)
        self.assertContainsExactSubsequence(lines[0], "the network's own")

    def test_the_script(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/net.keras"
            networks.small_cnn().save(path)
            result = _list_taps(f"--target={path}")
            self.assertEqual(result.returncode, 0, result.stderr)
            rows = tap_table.tap_rows(loading.load_target(path))
            table, heads, front_end = result.stdout.rstrip().split("\n\n")
            self.assertEqual(table, tap_table.format_text(rows))
            self.assertEqual(heads, "heads:\nclasses  3 classes  softmax  0; 1; 2")
            title, *lines = front_end.splitlines()
            self.assertEqual(title, "front end:")
            self.assertEqual(lines, tap_table.front_end_lines(loading.load_target(path)))
        result = _list_taps("--target=resnet")
        self.assertEqual(result.returncode, 1)
        self.assertIn("error: no target 'resnet'", result.stderr)

    def test_the_documentation_is_what_the_script_prints(self):
        text = (_ROOT / "docs" / "taps.md").read_text(encoding="utf-8")
        sections = re.findall(r"^## (\S+)\n\n((?:\|.*\n)+)", text, re.MULTILINE)
        names = [name for name, _ in sections]
        self.assertEqual(names, ["vggish", "yamnet", "small_encoder/speech_commands"])
        for name, table in sections:
            rows = tap_table.tap_rows(loading.load_target(name, weights="untrained"))
            printed = tap_table.format_markdown(rows)
            self.assertEqual(table.rstrip(), printed, "print it anew with scripts/list_taps.py")


if __name__ == "__main__":
    tf.test.main()
