"""TFLite files give nearly what Keras gives, on speech by which no range was set."""

import pathlib

import numpy as np
import tensorflow as tf

from tests import small_runs, speech
from vggish_inversion import features
from vggish_inversion.data import corpora
from vggish_inversion.files import hub
from vggish_inversion.inverters import run
from vggish_inversion.reconstruction import tflite
from vggish_inversion.targets import loading

# Largest and mean |difference| in nats, of a log-mel that spans about 10.
_BOUNDS = {"float32": (1e-4, 1e-5), "float16": (0.05, 0.005), "int8": (2.0, 0.1)}


class TFLiteTest(tf.test.TestCase):
    def test_parity_and_size(self):
        name = "inverter/small_encoder/speech_commands/layer_1/paper-l1"
        trained = run.read_run(hub.find_model(name))
        target = trained.load_target()
        examples, others = tflite.speech_patches(str(speech.DEMO_SPEECH), target.log_mel)
        self.assertGreater(len(examples), len(others))
        examples, others = examples[::3], others[::3]
        to_tap = target.up_to("layer_1")
        activations = [to_tap(part, training=False).numpy() for part in (examples, others)]
        functions = tflite.patch_functions(trained.load_model(), to_tap, target.log_mel)
        inputs = {"inverter": activations, "patch": [examples, others]}
        # One function is what the other is behind the target, and nats are what they give.
        ends = [functions[name](inputs[name][1][:1]).numpy() for name in inputs]
        self.assertAllClose(*ends, atol=1e-4)
        self.assertLess(np.abs(ends[0] - others[:1]).mean(), 1.0)
        for name, function in functions.items():
            sizes = []
            for precision, (largest, mean) in _BOUNDS.items():
                flatbuffer = tflite.convert(function, precision, inputs[name][0])
                found = tflite.distance(flatbuffer, function, inputs[name][1])
                self.assertLess(found[0], largest, (name, precision))
                self.assertLess(found[1], mean, (name, precision))
                sizes.append(len(flatbuffer))
            self.assertAllEqual(sizes, sorted(sizes, reverse=True))
            self.assertLess(sizes[-1], 0.5 * sizes[0])

    def test_an_inverter_of_several_views(self):
        target = loading.load_target("small_encoder/speech_commands")
        folder = pathlib.Path(self.get_temp_dir())
        trained = small_runs.write(folder / "run", target, "layer_3", preset="large", num_views=3)
        inverter = trained.load_model()
        to_tap, context = tflite.target_part(target, target.tap("layer_3"), inverter)
        self.assertEqual(context, 48)
        windows, _ = tflite.speech_patches(
            str(speech.DEMO_SPEECH), target.log_mel, context_frames=48
        )
        windows = windows[:2]
        functions = tflite.patch_functions(inverter, to_tap, target.log_mel)
        inputs = {"inverter": to_tap(windows, training=False).numpy(), "patch": windows}
        self.assertEqual(inputs["inverter"].shape, (2, 3, 6, 4, 64))
        for name, function in functions.items():
            flatbuffer = tflite.convert(function, "float32", inputs[name])
            largest, _ = tflite.distance(flatbuffer, function, inputs[name])
            self.assertLess(largest, 1e-4, name)

    def test_refusals(self):
        function = tf.function(lambda x: x, input_signature=[tf.TensorSpec([1, 2])])
        with self.assertRaisesRegex(ValueError, "no precision 'int4'; there are: float32 float16"):
            tflite.convert(function, "int4", np.zeros((1, 2), np.float32))
        folder = pathlib.Path(self.get_temp_dir())
        speech.write_ljspeech(folder, ["LJ001-0001"])
        with self.assertRaisesRegex(corpora.CorpusError, "expected 2 utterances"):
            tflite.speech_patches(str(folder), features.LogMelParams())


if __name__ == "__main__":
    tf.test.main()
