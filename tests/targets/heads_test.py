"""Heads: the logits of every kind of target, against the scores that its classes are known by."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import networks, script_runner
from vggish_inversion.inverters import origin
from vggish_inversion.targets import encoder, loading, small_encoder, tap_table, yamnet
from vggish_inversion.tasks import classification

layers = keras.layers
_PATCHES = np.random.default_rng(0).normal(-2, 2, (5, 96, 64)).astype(np.float32)
_VALUES = np.random.default_rng(1).normal(size=(8, 5)).astype(np.float32)


def _model(*last, front=(), shape=(96, 64)) -> keras.Model:
    """Convolution, pooling to a vector of 8 values, and what is given."""
    keras.utils.set_random_seed(3)
    inputs = tensor = keras.Input(shape)
    first = [
        layers.Reshape((*shape, 1), name="image"),
        layers.Conv2D(8, 5, 4, activation="relu", name="conv"),
    ]
    for layer in (*first, *(front or [layers.GlobalMaxPooling2D(name="pool")]), *last):
        tensor = layer(tensor)
    return keras.Model(inputs, tensor)


def _head(model: keras.Model, **stated):
    """The head of a model, and its logits of some patches."""
    target = encoder.TargetEncoder.from_keras(model, **stated)
    head = target.head()
    logits = target(_PATCHES).heads[head.name].numpy()
    np.testing.assert_allclose(target.up_to_head()(_PATCHES), logits, atol=1e-5)
    return head, logits


def _log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


_SOFTMAX_ENDS = {
    "fused": lambda: _model(layers.Dense(5, activation="softmax", name="classes")),
    "behind": lambda: _model(layers.Dense(5, name="classes"), layers.Softmax(name="scores")),
    "as an activation": lambda: _model(
        layers.Dense(5, name="classes"), layers.Dropout(0.5), layers.Activation("softmax")
    ),
    "of the inner model": lambda: _model(
        keras.Sequential(
            [keras.Input((8,)), layers.Dense(5, name="classes"), layers.Softmax()], name="inner"
        )
    ),
    "several Dense": lambda: _model(
        layers.Dense(16, activation="relu", name="hidden"),
        layers.Dense(6, name="bottleneck"),
        layers.Dense(5, activation="softmax", name="classes"),
    ),
    "batch norm before it": lambda: _model(
        layers.Dense(5, name="dense"), layers.BatchNormalization(name="classes"), layers.Softmax()
    ),
    "a Sequential model": lambda: keras.Sequential(
        [
            keras.Input((96, 64)),
            *_model(layers.Dense(5, name="classes"), layers.Softmax()).layers[1:],
        ]
    ),
}


@pytest.mark.parametrize("end", _SOFTMAX_ENDS)
def test_logits_are_the_scores_before_softmax(end):
    model = _SOFTMAX_ENDS[end]()
    head, logits = _head(model, class_names=["a", "b", "c", "d", "e"])
    assert (head.name, head.class_names, head.activation) == ("classes", tuple("abcde"), "softmax")
    scores = model(_PATCHES).numpy()
    assert np.std(scores) > 0.01
    np.testing.assert_allclose(_log_softmax(logits), np.log(scores), atol=1e-4)
    assert not np.allclose(logits, _log_softmax(logits), atol=1e-3)  # not the log of the scores


def test_logits_of_a_fused_softmax_are_the_product_with_its_weights():
    model = _model(layers.Dense(5, activation="softmax", name="classes"))
    kernel, bias = model.get_layer("classes").get_weights()
    pooled = keras.Model(model.input, model.get_layer("pool").output)(_PATCHES).numpy()
    np.testing.assert_allclose(_head(model)[1], pooled @ kernel + bias, atol=1e-4)
    model.get_layer("classes").kernel.assign(kernel * 2)  # the weights are shared
    np.testing.assert_allclose(_head(model)[1], pooled @ (kernel * 2) + bias, atol=1e-4)


@pytest.mark.parametrize("num_classes", [1, 4])
@pytest.mark.parametrize("fused", [True, False])
def test_logits_are_the_scores_before_sigmoid(num_classes, fused):
    last = [layers.Dense(num_classes, activation="sigmoid" if fused else None, name="classes")]
    model = _model(*last, *([] if fused else [layers.Activation("sigmoid")]))
    head, logits = _head(model)
    assert (head.activation, head.num_classes) == ("sigmoid", num_classes)
    assert head.class_names == tuple("0123"[:num_classes])
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), model(_PATCHES), atol=1e-5)


def test_no_softmax():
    model = _model(layers.Dense(5, name="classes"))
    head, logits = _head(model)
    assert (head.name, head.activation) == ("classes", "linear")
    np.testing.assert_allclose(logits, model(_PATCHES), atol=1e-5)


def test_convolutions_may_end_in_classes():
    for softmax in ("fused", "behind"):
        front = [
            layers.GlobalAveragePooling2D(keepdims=True),
            layers.Conv2D(5, 1, activation="softmax" if softmax == "fused" else None, name="conv5"),
            layers.Flatten(),
        ]
        model = _model(front=front + ([layers.Softmax()] if softmax == "behind" else []))
        head, logits = _head(model)
        assert (head.name, head.activation, logits.shape) == ("conv5", "softmax", (5, 5))
        np.testing.assert_allclose(_log_softmax(logits), np.log(model(_PATCHES)), atol=1e-4)
    pooled = _model(
        front=[layers.Conv2D(5, 1, name="conv5"), layers.GlobalAveragePooling2D(name="mean")],
    )
    pooled = keras.Model(pooled.inputs, keras.ops.softmax(pooled.output))
    head, logits = _head(pooled)
    assert head.name == "mean"  # no layer of weights has the shape of classes
    np.testing.assert_allclose(_log_softmax(logits), np.log(pooled(_PATCHES)), atol=1e-4)


def test_a_temperature_is_part_of_the_logits():
    model = _model(layers.Dense(5, name="classes"))
    model = keras.Model(model.inputs, keras.ops.softmax(keras.ops.divide(model.output, 3.0)))
    np.testing.assert_allclose(_log_softmax(_head(model)[1]), np.log(model(_PATCHES)), atol=1e-4)


def test_the_last_dense_where_a_network_ends_with_decisions():
    model = _model(layers.Dense(5, name="classes"))
    decided = keras.Model(model.inputs, keras.ops.argmax(model.output, axis=-1))
    head, logits = _head(decided)
    assert head.name == "classes"
    np.testing.assert_array_equal(logits.argmax(axis=1), decided(_PATCHES))


def test_several_outputs_are_several_heads():
    body = _model()
    outputs = {
        "word": layers.Dense(4, activation="softmax", name="word")(body.output),
        "speaker": layers.Softmax()(layers.Dense(3, name="speaker")(body.output)),
        "pool": body.output,
    }
    model = keras.Model(body.inputs, outputs)
    target = encoder.TargetEncoder.from_keras(model)
    assert {head.name: head.num_classes for head in target.heads} == {"word": 4, "speaker": 3}
    with pytest.raises(ValueError, match="several heads; name one: "):
        target.head()
    with pytest.raises(ValueError, match="class_names of .* which has the heads .*; name one"):
        encoder.TargetEncoder.from_keras(model, class_names=["a", "b", "c"])
    one = encoder.TargetEncoder.from_keras(model, head="speaker", class_names=["a", "b", "c"])
    assert one.head().class_names == ("a", "b", "c")
    logits = one(_PATCHES).heads["speaker"]
    expected = model(_PATCHES)["speaker"]
    np.testing.assert_allclose(_log_softmax(logits.numpy()), np.log(expected), atol=1e-4)


@pytest.mark.parametrize("stated", ["classes", "scores"])
def test_a_head_is_named_by_its_logits_or_its_scores(stated):
    model = _model(layers.Dense(5, name="classes"), layers.Softmax(name="scores"))
    head, logits = _head(model, head=stated)
    assert (head.name, head.activation) == (stated, "softmax")
    np.testing.assert_allclose(_log_softmax(logits), np.log(model(_PATCHES)), atol=1e-4)


def test_networks_without_a_head():
    squeezed = _model(front=[layers.Conv2D(4, 3, name="squeezed")])
    gate = layers.Dense(4, activation="sigmoid", name="gate")
    gated = squeezed.output * gate(
        layers.GlobalAveragePooling2D(keepdims=True)(squeezed.output)
    )  # a Dense layer, but of a picture
    vector = layers.Dense(4, activation="sigmoid")(layers.GlobalMaxPooling2D()(squeezed.output))
    excited = squeezed.output * layers.Reshape((1, 1, 4))(vector)
    for model in (
        squeezed,
        _model(),
        _model(layers.Dense(5, activation="relu")),
        keras.Model(squeezed.inputs, gated),
        keras.Model(squeezed.inputs, excited),
    ):
        target = encoder.TargetEncoder.from_keras(model)
        assert target.heads == ()
        assert dict(target(_PATCHES).heads) == {}
        with pytest.raises(ValueError, match="has no head: it gives activations"):
            target.up_to_head()
        assert tap_table.head_lines(target) == ["none: it tells no classes apart"]


def test_refused():
    def refuse(model, match, **stated):
        with pytest.raises(ValueError, match=match) as caught:
            encoder.TargetEncoder.from_keras(model, **stated)
        assert "\n" not in str(caught.value)

    model = _model(layers.Dense(5, activation="softmax", name="classes"))
    refuse(model, "no layer 'clases' to be its head; those of .* are: pool classes", head="clases")
    refuse(model, r"head 'conv' of .* gives \[None, 23, 15, 8\]; expected a number", head="conv")
    refuse(model, "2 class_names for the 5 classes of the head 'classes'", class_names=["a", "b"])
    refuse(_model(), "class_names of .*, which has no head; name one", class_names=["a"])
    with pytest.raises(ValueError, match="has no head 'word'; its heads are: classes"):
        encoder.TargetEncoder.from_keras(model).head("word")


def test_bands_first_and_three_channels_have_heads_too():
    model = networks.small_cnn((64, 96, 3))
    target = encoder.TargetEncoder.from_keras(model, axes="bands,frames")
    logits = target(_PATCHES).heads["classes"].numpy()
    image = np.repeat(np.swapaxes(_PATCHES, 1, 2)[..., np.newaxis], 3, axis=-1)
    np.testing.assert_allclose(_log_softmax(logits), np.log(model(image)), atol=1e-4)


def test_a_waveform_network_is_cut_and_keeps_its_head():
    model = networks.waveform_cnn(samples=16000)
    target = encoder.TargetEncoder.from_keras(model, log_mel_layer="log_mel")
    waveform = np.random.default_rng(0).normal(0, 0.1, (1, 16000)).astype(np.float32)
    log_mel = keras.Model(model.input, model.get_layer("log_mel").output)(waveform)
    np.testing.assert_allclose(target(log_mel).heads["classes"], model(waveform), atol=1e-4)


def test_what_is_computed_ends_at_the_head():
    body = _model(layers.Dense(5, name="early"), layers.Dense(3, name="late"))
    target = encoder.TargetEncoder.from_keras(body, head="early")
    assert "late" not in {layer.name for layer in target.up_to_head().layers}
    assert "late" in target(_PATCHES).taps


def test_taps_fingerprint_and_random_weights_are_as_without_a_head():
    def make(**stated):
        return encoder.TargetEncoder.from_keras(networks.small_cnn(), **stated)

    plain, stated = make(), make(head="average", class_names=["a", "b", "c", "d"])
    assert plain.fingerprint == stated.fingerprint
    assert plain.taps == stated.taps
    assert list(plain.model.output) == [tap.name for tap in plain.taps]
    outputs = plain(_PATCHES)
    assert list(outputs.taps) == [tap.name for tap in plain.taps]
    for name, values in plain.model(_PATCHES).items():
        np.testing.assert_array_equal(outputs.taps[name], values)


def test_files_state_their_head(tmp_path):
    path = tmp_path / "net.keras"
    model = _model(layers.Dense(5, name="early"), layers.Dense(3, activation="softmax", name="end"))
    model.save(path)
    assert loading.load_target(str(path)).head().name == "end"
    target = loading.load_target(str(path), head="early")
    assert (target.head().name, target.stated_head) == ("early", "early")
    path.with_suffix(".json").write_text('{"head": "end", "class_names": ["a", "b", "c"]}')
    target = loading.load_target(str(path))
    assert (target.head().class_names, target.stated_head) == (("a", "b", "c"), None)
    for settings, reason in (
        ({"head": 3}, "head is 3, not a layer's name"),
        ({"class_names": "abc"}, "class_names is 'abc', not a list of texts"),
        ({"class_names": [1, 2, 3]}, "class_names is .* not a list of texts"),
        ({"class_names": ["a"]}, "1 class_names for the 3 classes"),
        ({"head": "absent"}, "no layer 'absent' to be its head"),
    ):
        path.with_suffix(".json").write_text(json.dumps(settings))
        with pytest.raises(ValueError, match=reason) as caught:
            loading.load_target(str(path))
        assert str(tmp_path) in str(caught.value)


def test_untrained_weights_are_the_heads_too(tmp_path):
    path = tmp_path / "net.keras"
    model = _model(layers.Dense(5, activation="softmax", name="classes"))
    model.save(path)
    trained = loading.load_target(str(path))(_PATCHES).heads["classes"]
    target = loading.load_target(str(path), weights="untrained", seed=2)
    outputs = target(_PATCHES)
    logits = outputs.heads["classes"].numpy()
    assert not np.allclose(trained, logits)
    np.testing.assert_allclose(
        _log_softmax(logits), np.log(outputs.taps["classes"].numpy()), atol=1e-4
    )


def test_a_saved_models_head_is_the_output_that_is_named(tmp_path):
    kernel = tf.constant(_VALUES[:, :4])

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 96, 64], tf.float32)])
        def __call__(self, log_mel):
            mean = tf.reduce_mean(log_mel, 1)
            scores = mean[:, :8] @ kernel
            return {"mean": mean, "scores": scores, "log_mel": log_mel, "loss": tf.norm(scores)}

    folder = tmp_path / "net"
    tf.saved_model.save(Module(), str(folder), signatures={})
    assert loading.load_target(str(folder)).heads == ()
    target = loading.load_target(str(folder), head="scores")
    assert (target.head().num_classes, target.head().activation) == (4, "unknown")
    expected = _PATCHES.mean(axis=1)[:, :8] @ _VALUES[:, :4]
    np.testing.assert_allclose(target(_PATCHES).heads["scores"], expected, atol=1e-4)
    np.testing.assert_allclose(target.up_to_head()(_PATCHES), expected, atol=1e-4)
    for stated, reason in (
        ({"head": "absent"}, "one of its outputs, .*; found head 'absent', no head of that name"),
        ({"head": "loss"}, "found head 'loss', which is one number for all patches"),
        ({"head": "log_mel"}, "gives .None, 96, 64.; expected a number for each class"),
        ({"class_names": ["a"]}, "found class_names without a head"),
    ):
        (folder / "log_mel.json").write_text(json.dumps(stated))
        with pytest.raises(ValueError, match=reason):
            loading.load_target(str(folder))


def test_yamnet_has_the_521_classes_of_the_class_map():
    target = loading.load_target("yamnet", weights="untrained", seed=3)
    head = target.head()
    assert (head.name, head.num_classes, head.activation) == ("logits", 521, "sigmoid")
    named = {0: "Speech", 74: "Growling", 132: "Music", 494: "Silence", 520: "Field recording"}
    assert {number: head.class_names[number] for number in named} == named
    logits = target(_PATCHES).heads["logits"].numpy()
    scores = target.model(_PATCHES)["predictions"].numpy()
    assert np.std(logits) > 0.1
    np.testing.assert_allclose(logits, np.log(scores) - np.log1p(-scores), rtol=1e-3, atol=1e-3)
    assert "predictions" not in {layer.name for layer in target.up_to_head().layers}


def test_yamnet_without_the_weights_of_its_logits(tmp_path):
    target = loading.load_target("yamnet", weights="untrained")
    target.model.save_weights(tmp_path / "whole.weights.h5")
    values = {
        name: variable.numpy()
        for layer in yamnet._variables_by_layer(target.model).values()
        for name, variable in layer.items()
        if not name.startswith("logits")
    }
    np.savez(tmp_path / "part.npz", **values)
    target = loading.load_target("yamnet", weights=tmp_path / "part.npz")
    assert target.heads == ()
    with pytest.raises(ValueError, match="no head 'logits' here: .* holds no weights of logits"):
        target.head("logits")


def test_vggish_has_no_head():
    target = loading.load_target("vggish", weights="untrained")
    assert target.heads == ()
    with pytest.raises(ValueError, match="vggish has no head: it gives activations"):
        target.head("fc2")


def test_the_head_that_is_asked_of_a_named_target_is_there():
    name = "small_encoder/speech_commands"
    assert loading.load_target(name, weights="untrained", head="logits").stated_head == "logits"
    with pytest.raises(ValueError, match="has no head 'layer_6'; its heads are: logits"):
        loading.load_target(name, weights="untrained", head="layer_6")


@pytest.mark.parametrize("task", ["speech_commands", "bird_detection"])
def test_small_encoders_tell_the_classes_that_they_were_trained_on(task):
    target = loading.load_target(f"small_encoder/{task}")
    facts = json.loads((small_encoder.hub.find_model(target.name) / "config.json").read_text())
    assert target.head().class_names == tuple(facts["labels"])
    logits = target(_PATCHES).heads["logits"].numpy()
    patches = classification.LabelledPatches(_PATCHES, np.zeros(5, int), np.arange(5))
    predicted = classification.predict_clips(target.model, patches)
    np.testing.assert_array_equal(logits.argmax(axis=1), predicted)
    silence = np.full((1, 96, 64), target.log_mel.log_floor, np.float32)
    if task == "speech_commands":
        number = target(silence).heads["logits"].numpy().argmax()
        assert target.head().class_names[number] == "_silence_"


def test_an_untrained_small_encoder_has_as_many_classes():
    names = {"weights": "untrained", "seed": 1}
    target = loading.load_target("small_encoder/speech_commands", **names)
    again = loading.load_target("small_encoder/speech_commands", **names)
    assert target.head().class_names[:2] == ("_silence_", "_unknown_")
    logits = target(_PATCHES).heads["logits"]
    assert logits.shape == (5, 12)
    np.testing.assert_array_equal(logits, again(_PATCHES).heads["logits"])
    assert loading.load_target("small_encoder/absent", **names).head().class_names == ("0", "1")


def test_runs_remember_the_head_that_was_stated(tmp_path):
    path = tmp_path / "net.keras"
    _model(layers.Dense(5, name="early"), layers.Dense(3, name="late")).save(path)
    target = loading.load_target(str(path), head="early")
    config = origin.describe_target(target, tmp_path / "run")
    assert config["target_head"] == "early"
    source = origin.target_source(config, tmp_path / "run")
    assert source.load().head().name == "early"
    other = origin.target_source(config, tmp_path / "run", head="late")
    assert other.load().head().name == "late"
    plain = origin.describe_target(loading.load_target(str(path)), tmp_path / "run")
    assert "target_head" not in plain


def test_list_taps_prints_heads(tmp_path):
    path = tmp_path / "net.keras"
    _model(layers.Dense(5, activation="softmax", name="classes")).save(path)
    path.with_suffix(".json").write_text('{"class_names": ["a", "b", "c", "d", "e"]}')
    result = script_runner.run("list_taps.py", f"--target={path}", "--head=classes")
    assert result.returncode == 0, result.stderr
    assert "\n\nheads:\nclasses  5 classes  softmax  a; b; c; d; ...\n\n" in result.stdout
