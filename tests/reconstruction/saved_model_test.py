"""A SavedModel in a process without this package gives what the live Reconstructor gives."""

import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests import networks, script_runner, small_runs, speech
from vggish_inversion import reconstruction, vocoders
from vggish_inversion.files import hub
from vggish_inversion.inverters import run
from vggish_inversion.reconstruction import saved_model
from vggish_inversion.targets import encoder, loading
from vggish_inversion.vocoders import griffin_lim

_SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "export_saved_model.py"
_LAYER_1 = "inverter/small_encoder/speech_commands/layer_1/paper-l1"

_SIGNATURES = {
    "embed": ({"waveform"}, {"embedding", "num_frames"}),
    "invert": ({"embedding"}, {"log_mel"}),
    "invert_to_length": ({"embedding", "num_frames"}, {"log_mel"}),
    "reconstruct": ({"waveform"}, {"waveform", "log_mel"}),
    "reconstruct_batch": ({"waveforms", "num_samples"}, {"waveforms", "log_mels", "num_frames"}),
    "serving_default": ({"waveform"}, {"waveform", "log_mel"}),
}

# Runs in an empty folder: uses the SavedModel with TensorFlow and TF-Hub alone.
_ELSEWHERE = """
import sys
import numpy as np
import tensorflow as tf
import tensorflow_hub as hub

folder, clips_path, made_path = sys.argv[1:]
try:
    import vggish_inversion
    raise SystemExit("the package is on the path")
except ImportError:
    pass
clips = dict(np.load(clips_path))
made = {}
model = tf.saved_model.load(folder)
call = model.signatures
layer, loaded = hub.KerasLayer(folder), hub.load(folder)
for name, clip in clips.items():
    waveform = tf.constant(clip)
    for key, value in call["reconstruct"](waveform=waveform).items():
        made[f"{name}/{key}"] = value
    embedded = call["embed"](waveform=waveform)
    made[f"{name}/embedding"] = embedded["embedding"]
    made[f"{name}/inverted"] = call["invert_to_length"](**embedded)["log_mel"]
    made[f"{name}/evenly"] = call["invert"](embedding=embedded["embedding"])["log_mel"]
    made[f"{name}/keras"] = layer(waveform)
    made[f"{name}/hub"] = loaded(waveform)
lengths = [len(clip) for clip in clips.values()]
batch = np.stack([np.pad(clip, (0, max(lengths) - len(clip))) for clip in clips.values()])
batched = call["reconstruct_batch"](
    waveforms=tf.constant(batch), num_samples=tf.constant(lengths, tf.int32)
)
made |= {f"batch/{key}": value for key, value in batched.items()}
default = call["serving_default"](waveform=tf.constant(clips["whole"]))["waveform"]
made["serving_default"] = default
np.savez(made_path, **made)
"""


class ExportTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def _elsewhere(self, saved: pathlib.Path, clips: dict) -> dict:
        """What the SavedModel makes of clips in a fresh process, away from the package."""
        (self.folder / "program.py").write_text(_ELSEWHERE)
        np.savez(self.folder / "clips.npz", **clips)
        (self.folder / "empty").mkdir()
        arguments = [saved, self.folder / "clips.npz", self.folder / "made.npz"]
        # -I: neither this folder nor PYTHONPATH; an editable install is hidden by name.
        program = (
            "import sys; sys.modules['vggish_inversion'] = None; sys.argv.pop(0);"
            "exec(open(sys.argv[0]).read())"
        )
        done = subprocess.run(
            [sys.executable, "-I", "-c", program, self.folder / "program.py", *arguments],
            cwd=self.folder / "empty",
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return dict(np.load(self.folder / "made.npz"))

    def _check(
        self,
        trained: run.InverterRun,
        target,
        *,
        num_iterations=60,
        vocoder=None,
        vocoder_name="griffin_lim",
        **options,
    ):
        vocoder = vocoder or griffin_lim.GriffinLim(target.log_mel, num_iterations=num_iterations)
        saved = saved_model.export_saved_model(
            trained,
            self.folder / "saved",
            target=target,
            vocoder=vocoder,
            vocoder_name=vocoder_name,
            **options,
        )
        live = reconstruction.Reconstructor(
            target, {"it": (trained.layer, trained.load_model())}, vocoder, **options
        )
        patch = target.log_mel.patch_samples
        hop = live.road.patch_hop_frames * target.log_mel.hop_samples
        clip = speech.read_clip()
        clips = {"whole": clip, "one": clip[:patch], "even": clip[: patch + hop]}
        clips["odd"] = clip[: patch + hop + 1777]
        made = self._elsewhere(saved, clips)
        for index, (name, clip) in enumerate(clips.items()):
            expected = live(clip, names=["it"])["it"]
            num_frames = len(expected.log_mel)
            for key in ("waveform", "keras", "hub"):
                self.assertAllClose(made[f"{name}/{key}"], expected.waveform, rtol=0, atol=1e-5)
            for key in ("log_mel", "inverted"):
                self.assertAllClose(made[f"{name}/{key}"], expected.log_mel, rtol=0, atol=1e-5)
            patches = made[f"{name}/embedding"]
            self.assertEqual(patches.shape[1:], live.road.embedding_shape("it"))
            self.assertEqual(
                len(made[f"{name}/evenly"]),
                (len(patches) - 1) * live.road.patch_hop_frames + target.log_mel.patch_frames,
            )
            if name in ("one", "even"):
                self.assertAllClose(made[f"{name}/evenly"], expected.log_mel, rtol=0, atol=1e-5)
            batched = {key: made[f"batch/{key}"][index] for key in ("waveforms", "log_mels")}
            self.assertAllClose(
                batched["waveforms"][: len(clip)], expected.waveform, rtol=0, atol=1e-5
            )
            self.assertAllEqual(batched["waveforms"][len(clip) :], 0 * clips["whole"][len(clip) :])
            self.assertEqual(made["batch/num_frames"][index], num_frames)
            self.assertAllClose(
                batched["log_mels"][:num_frames], expected.log_mel, rtol=0, atol=1e-5
            )
            self.assertAllClose(
                batched["log_mels"][num_frames:],
                np.full_like(batched["log_mels"][num_frames:], target.log_mel.log_floor),
            )
        self.assertAllEqual(made["serving_default"], made["whole/waveform"])
        return saved

    def _check_for_serving(self, saved: pathlib.Path):
        """TensorFlow Serving reads the graph alone: dense named tensors, no Python."""
        stored = saved_model_pb2.SavedModel.FromString((saved / "saved_model.pb").read_bytes())
        [graph] = stored.meta_graphs
        self.assertEqual(list(graph.meta_info_def.tags), ["serve"])
        found = {}
        for name, signature in graph.signature_def.items():
            if name == "__saved_model_init_op":
                continue
            self.assertEqual(signature.method_name, "tensorflow/serving/predict")
            ends = (signature.inputs, signature.outputs)
            found[name] = tuple(map(set, ends))
            for tensor in (tensor for end in ends for tensor in end.values()):
                self.assertEqual(tensor.WhichOneof("encoding"), "name")
        self.assertEqual(found, _SIGNATURES)
        operations = {
            node.op for function in graph.graph_def.library.function for node in function.node_def
        }
        self.assertContainsSubset({"RFFT", "Conv2D"}, operations)
        self.assertEmpty({name for name in operations if "PyFunc" in name})

    def test_a_shipped_inverter(self):
        trained = run.read_run(hub.find_model(_LAYER_1))
        saved = self._check(trained, trained.load_target(), num_iterations=8)
        self._check_for_serving(saved)
        made = {path.name for path in saved.iterdir()} - {"assets"}
        self.assertEqual(
            made, {"README.md", "config.json", "fingerprint.pb", "saved_model.pb", "variables"}
        )
        card = (saved / "README.md").read_text()
        for fact in (trained.sha256, trained.config["target_fingerprint"], "griffin_lim", "24x16"):
            self.assertIn(fact, card)
        self.assertNotRegex(card, r"\{\w*\}")

    @pytest.mark.slow
    def test_a_neural_vocoder(self):
        trained = run.read_run(hub.find_model(_LAYER_1))
        target = trained.load_target()
        vocoder = vocoders.load_vocoder("vocos", target.log_mel)
        self._check(trained, target, vocoder=vocoder, vocoder_name="vocos")

    @pytest.mark.slow
    def test_overlapping_patches(self):
        trained = run.read_run(hub.find_model(_LAYER_1))
        self._check(trained, trained.load_target(), num_iterations=4, patch_hop_frames=40)

    @pytest.mark.slow
    def test_yamnet(self):
        target = loading.load_target("yamnet", weights=encoder.UNTRAINED)
        trained = small_runs.write(self.folder / "run", target, "layer3")
        self._check(trained, target, num_iterations=2)

    @pytest.mark.slow
    def test_vggish(self):
        target = loading.load_target("vggish", weights=encoder.UNTRAINED)
        trained = small_runs.write(
            self.folder / "run", target, "conv2", preset="large", num_views=3
        )
        saved = self._check(trained, target, num_iterations=2)
        stored = sum(path.stat().st_size for path in saved.rglob("*") if path.is_file())
        self.assertLess(stored, 2**24)  # the 288 MB past the tap stay behind

    @pytest.mark.slow
    def test_a_network_of_ones_own(self):
        model = networks.small_cnn()
        model.save(self.folder / "mine.keras")
        target = loading.load_target(str(self.folder / "mine.keras"))
        trained = small_runs.write(self.folder / "run", target, "pool")
        self._check(trained, target, num_iterations=2)

    @pytest.mark.slow
    def test_a_saved_model_as_target(self):
        taps = keras.Model(
            *(lambda model: (model.input, {"pool": model.get_layer("pool").output}))(
                networks.small_cnn()
            )
        )
        taps.export(self.folder / "mine", verbose=False)
        target = loading.load_target(str(self.folder / "mine"))
        trained = small_runs.write(self.folder / "run", target, "pool")
        self._check(trained, target, num_iterations=2)

    def test_refusals(self):
        trained = run.read_run(hub.find_model(_LAYER_1))
        target = trained.load_target()
        vocoder = griffin_lim.GriffinLim(target.log_mel, num_iterations=1)
        saved = saved_model.export_saved_model(
            trained, self.folder / "saved", target=target, vocoder=vocoder
        )
        with self.assertRaisesRegex(FileExistsError, "saved is there already; delete it"):
            saved_model.export_saved_model(trained, saved, target=target, vocoder=vocoder)
        model = tf.saved_model.load(str(saved))
        call = model.signatures
        for name in ("reconstruct", "embed", "serving_default"):
            with self.assertRaisesRegex(
                tf.errors.InvalidArgumentError, r"too short: one patch needs 15600 samples.* \[9\]"
            ):
                call[name](waveform=tf.zeros(9))
        with self.assertRaisesRegex(tf.errors.InvalidArgumentError, "too short"):
            call["reconstruct_batch"](
                waveforms=tf.zeros([1, 20000]), num_samples=tf.constant([15599])
            )
        with self.assertRaisesRegex(tf.errors.InvalidArgumentError, "must be within waveforms"):
            call["reconstruct_batch"](
                waveforms=tf.zeros([1, 20000]), num_samples=tf.constant([20001])
            )
        with self.assertRaisesRegex(tf.errors.InvalidArgumentError, "frames are.*patches"):
            call["invert_to_length"](
                embedding=tf.zeros([2, 24, 16, 16]), num_frames=tf.constant(96)
            )
        with self.assertRaisesRegex(tf.errors.InvalidArgumentError, "at least 1"):
            call["invert"](embedding=tf.zeros([0, 24, 16, 16]))

    def test_a_failure_leaves_nothing(self):
        trained = run.read_run(hub.find_model(_LAYER_1))

        def vocoder(log_mel):
            raise ValueError("no sound today")

        with self.assertRaisesRegex(ValueError, "no sound today"):
            saved_model.export_saved_model(
                trained, self.folder / "saved", target=trained.load_target(), vocoder=vocoder
            )
        self.assertEmpty(list(self.folder.iterdir()))

    @pytest.mark.slow
    def test_the_script_takes_the_best_preset(self):
        flags = ["--target=small_encoder/speech_commands", f"--output_dir={self.folder / 'saved'}"]
        done = script_runner.run("export_saved_model.py", *flags)
        self.assertEqual(done.returncode, 1)
        self.assertIn("expected --layer=TAP or --inverter=RUN_FOLDER", done.stderr)
        done = script_runner.run("export_saved_model.py", *flags, "--layer=layer_1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn('preset "large"', (self.folder / "saved" / "README.md").read_text())
        done = script_runner.run("export_saved_model.py", *flags, "--layer=layer_1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is there already", done.stderr)
        inverter = f"--inverter={hub.find_model(_LAYER_1)}"
        done = script_runner.run("export_saved_model.py", *flags, inverter)
        self.assertEqual(done.returncode, 1)
        self.assertIn("leave out --target", done.stderr)


if __name__ == "__main__":
    tf.test.main()
