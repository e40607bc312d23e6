"""Small, valid inputs of every kind that the package reads; what is damaged afterwards.

Files have no FILE.sha256 beside them where the reader can do without, or the digest would refuse
all damage and nothing else were tried.
"""

import dataclasses
import json
import pathlib
import shutil
import tarfile

import numpy as np

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_CLIPS = sorted((_ROOT / "scripts" / "demo_speech").glob("*.flac"))
_STORE = _ROOT / "hub_models"
_INVERTER = _STORE / "inverter/small_encoder/speech_commands/layer_6/paper-l1/1"

# Name of a seed -> sample rate, channels and options of libsndfile.
AUDIO_SEEDS = {
    "u8.wav": (8000, 1, {"subtype": "PCM_U8"}),
    "16.wav": (16000, 1, {"subtype": "PCM_16"}),
    "stereo.wav": (44100, 2, {"subtype": "PCM_16"}),
    "24.wav": (16000, 1, {"subtype": "PCM_24"}),
    "32.wav": (16000, 1, {"subtype": "PCM_32"}),
    "float.wav": (16000, 1, {"subtype": "FLOAT"}),
    "double.wav": (16000, 1, {"subtype": "DOUBLE"}),
    "ulaw.wav": (8000, 1, {"subtype": "ULAW"}),
    "ima.wav": (16000, 1, {"subtype": "IMA_ADPCM"}),
    "ms.wav": (16000, 1, {"subtype": "MS_ADPCM"}),
    "gsm.wav": (8000, 1, {"subtype": "GSM610"}),
    "x.wav": (16000, 1, {"subtype": "PCM_24", "format": "WAVEX"}),
    "rifx.wav": (16000, 1, {"subtype": "PCM_16", "format": "WAV", "endian": "BIG"}),
    "64.wav": (16000, 2, {"subtype": "PCM_16", "format": "RF64"}),
    "16.w64": (16000, 1, {"subtype": "PCM_16"}),
    "ima.w64": (16000, 1, {"subtype": "IMA_ADPCM"}),
    "24.aiff": (16000, 1, {"subtype": "PCM_24"}),
    "float.aiff": (16000, 2, {"subtype": "FLOAT"}),
    "16.caf": (16000, 1, {"subtype": "PCM_16"}),
    "little.caf": (16000, 1, {"subtype": "FLOAT", "endian": "LITTLE"}),
    "ulaw.au": (8000, 1, {"subtype": "ULAW"}),
    "16.au": (16000, 2, {"subtype": "PCM_16"}),
    "16.sph": (16000, 1, {"subtype": "PCM_16", "format": "NIST"}),
    "16.flac": (16000, 1, {"subtype": "PCM_16"}),
    "24.flac": (48000, 2, {"subtype": "PCM_24"}),
    "vorbis.ogg": (16000, 1, {"subtype": "VORBIS"}),
    "stereo.ogg": (44100, 2, {"subtype": "VORBIS"}),
    "opus.ogg": (48000, 1, {"subtype": "OPUS"}),
    "16.opus": (16000, 1, {"subtype": "OPUS", "format": "OGG"}),
    "constant.mp3": (16000, 1, {"bitrate_mode": "CONSTANT"}),
    "variable.mp3": (44100, 2, {"bitrate_mode": "VARIABLE"}),
    "average.mp3": (16000, 1, {"bitrate_mode": "AVERAGE"}),
}


def _speech(index: int = 0, seconds: float = 1.2) -> np.ndarray:
    from vggish_inversion import audio

    return audio.read_audio(_CLIPS[index])[: round(16000 * seconds)]


def write_audio(folder: pathlib.Path, suffix: str) -> None:
    """Half a second of speech in every form of one format that libsndfile writes."""
    import soundfile

    for name, (rate_hz, channels, options) in AUDIO_SEEDS.items():
        if name.endswith(suffix):
            mono = np.interp(np.arange(rate_hz // 2) / rate_hz * 16000, np.arange(19200), _speech())
            soundfile.write(folder / name, np.stack([mono] * channels, 1), rate_hz, **options)


def write_ljspeech(folder: pathlib.Path) -> None:
    """metadata.csv beside wavs/."""
    from vggish_inversion import audio

    (folder / "wavs").mkdir()
    names = ["LJ001-0001", "LJ001-0002", "LJ049-0210"]
    for index, name in enumerate(names):
        audio.write_wav(folder / "wavs" / f"{name}.wav", _speech(index, 0.2))
    rows = [f"{name}|In 1{index}.|In eleven." for index, name in enumerate(names)]
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")


def write_transcribed(folder: pathlib.Path) -> None:
    """Any folder of audio, with transcripts.csv and a text beside a recording."""
    from vggish_inversion import audio

    (folder / "anna").mkdir()
    for index, name in enumerate(("anna/a", "anna/b", "c")):
        audio.write_wav(folder / f"{name}.wav", _speech(index, 0.2))
    table = "utterance,speaker,text\nanna/a,anna,in eleven\nc,carl,twelve\n"
    (folder / "transcripts.csv").write_text(table)
    (folder / "anna" / "b.txt").write_text("thirteen\n")


def write_librispeech(folder: pathlib.Path) -> None:
    """dev-clean/SPEAKER/CHAPTER with its transcripts."""
    from vggish_inversion import audio

    chapter = folder / "dev-clean" / "84" / "121123"
    chapter.mkdir(parents=True)
    names = [f"84-121123-{index:04}" for index in range(2)]
    for index, name in enumerate(names):
        audio.write_wav(chapter / f"{name}.wav", _speech(index, 0.2))
    lines = [f"{name} GO DO YOU HEAR" for name in names]
    (chapter / "84-121123.trans.txt").write_text("\n".join(lines) + "\n")


def write_tasks(folder: pathlib.Path) -> None:
    """The tables of the corpora that small encoders are trained on."""
    for name in ("meta", "audio", "wav", "evaluation_setup"):
        (folder / name).mkdir()
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    rows += [f"{fold}-1-A-{kind}.wav,{fold},{kind},{label},True,1,A" for fold in range(1, 6)
             for kind, label in enumerate(("dog", "rooster"))]  # fmt: skip
    (folder / "meta" / "esc50.csv").write_text("\n".join(rows) + "\n")
    for row in rows[1:]:
        (folder / "audio" / row.split(",")[0]).write_bytes(b"x")
    (folder / "birds.csv").write_text("itemid,hasbird\n1,0\n2,1\n")
    for name in ("1.wav", "2.wav"):
        (folder / "wav" / name).write_bytes(b"x")
    places = [(f"audio/{index}.wav", f"city-{index}") for index in range(60)]
    for name, _ in places:
        (folder / name).write_bytes(b"x")
    rows = ["filename\tidentifier", *("\t".join(place) for place in places)]
    (folder / "meta.csv").write_text("\n".join(rows) + "\n")
    for fold, parity in (("train", 0), ("evaluate", 1)):
        lines = [f"{name}\t{('park', 'bus')[i % 4 // 2]}" for i, (name, _) in enumerate(places)
                 if i % 2 == parity]  # fmt: skip
        (folder / "evaluation_setup" / f"fold1_{fold}.txt").write_text("\n".join(lines) + "\n")
    for language in ("de", "en"):
        clips = folder / language / "clips"
        clips.mkdir(parents=True)
        for split in ("train", "dev", "test", "validated"):
            names = (
                [f"{split}.mp3"] if split != "validated" else ["train.mp3", "dev.mp3", "test.mp3"]
            )
            table = ["client_id\tpath\tsentence", *(f"x\t{name}\ta" for name in names)]
            (folder / language / f"{split}.tsv").write_text("\n".join(table) + "\n")
            (clips / f"{split}.mp3").write_bytes(b"x")


def _utterances(folder: pathlib.Path) -> list:
    from vggish_inversion import audio
    from vggish_inversion.data import corpora

    (folder / "speech").mkdir()
    for index in range(2):
        audio.write_wav(folder / "speech" / f"{index}.wav", _speech(index))
    return corpora.read_corpus(folder / "speech")


def write_records(folder: pathlib.Path) -> None:
    """TFRecord shards and dataset.json."""
    from vggish_inversion import features
    from vggish_inversion.data import training_data

    utterances = _utterances(folder)
    shutil.move(folder / "speech", "speech")
    utterances = [
        dataclasses.replace(item, path=pathlib.Path("speech", item.path.name))
        for item in utterances
    ]
    training_data.write_dataset(
        {"train": utterances, "validation": utterances}, features.LogMelParams(), folder / "shards"
    )


def write_caches(folder: pathlib.Path) -> None:
    """Recordings with the caches of log-mel and of segments that training makes of them."""
    from vggish_inversion import features
    from vggish_inversion.data import log_mel_cache, segments

    utterances, params = _utterances(folder), features.LogMelParams()
    log_mel_cache.cache_log_mel(utterances, params, folder / "cache")
    segments.cache_segments(utterances, params, folder / "cache")


def write_run(folder: pathlib.Path) -> None:
    """An inverter's folder, as training leaves it."""
    for name in ("config.json", "history.csv", "inverter.keras"):
        shutil.copy(_INVERTER / name, folder / name)


def write_run_archive(folder: pathlib.Path) -> None:
    """The same as a .tar.gz."""
    with tarfile.open(folder / "run.tar.gz", "w:gz") as archive:
        for name in ("config.json", "history.csv", "inverter.keras"):
            archive.add(_INVERTER / name, f"run/{name}")


def checkpoint_variables() -> list:
    """Stands for the weights and optimisers of a run."""
    import keras

    return [keras.Variable(np.arange(12.0).reshape(3, 4)), keras.Variable(np.zeros(3))]


def write_unfinished_run(folder: pathlib.Path) -> None:
    """config.json and checkpoint.npz of a run that was killed."""
    from vggish_inversion.training import checkpoints, run_folder

    checkpoint = checkpoints.Checkpoint(folder, checkpoint_variables(), examples_per_epoch=8)
    with run_folder.open_run(folder, run_settings()):
        for epoch in range(2):
            checkpoint.on_epoch_begin(epoch)
            checkpoint.on_epoch_end(epoch, {"loss": 0.1, "val_loss": 0.2})


def run_settings() -> dict:
    """Of `write_unfinished_run`."""
    return {"target": "vggish", "layer": "conv4", "log_mel": {"num_bands": 64}, "seed": 0}


def write_vocoder(folder: pathlib.Path) -> None:
    """A trained vocoder's folder, with a network of few weights."""
    from vggish_inversion import features
    from vggish_inversion.vocoders import vocos

    params = features.LogMelParams()
    vocos.build_generator(params, width=8).save(folder / "vocoder.keras")
    config = {"vocoder": "vocos", "log_mel": dataclasses.asdict(params)}
    (folder / "config.json").write_text(json.dumps(config))


def build_network():
    """A CNN such as a user may bring."""
    import keras

    patches = keras.Input((96, 64), name="log_mel")
    x = keras.layers.Reshape((96, 64, 1))(patches)
    x = keras.layers.Conv2D(2, 3, 4, activation="relu", name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(patches, keras.layers.Dense(2, name="classes")(x), name="network")


def write_network(folder: pathlib.Path) -> None:
    """A `.keras` file with its log-mel settings beside it."""
    build_network().save(folder / "network.keras")
    (folder / "network.json").write_text(json.dumps({"num_bands": 64, "log_offset": 0.001}))


def write_weights(folder: pathlib.Path) -> None:
    """A `.weights.h5` file."""
    build_network().save_weights(folder / "network.weights.h5")


def write_safetensors(folder: pathlib.Path) -> None:
    """Arrays by name, as PyTorch's users keep them."""
    from safetensors.numpy import save_file

    arrays = {"features.0.weight": np.ones((4, 1, 3, 3), np.float32)}
    save_file(arrays | {"features.0.bias": np.zeros(4, np.float32)}, folder / "net.safetensors")


def write_hdf5(folder: pathlib.Path) -> None:
    """A network in HDF5, as Keras 1 and 2 wrote them."""
    build_network().save(folder / "network.h5")


def write_npz(folder: pathlib.Path) -> None:
    """VGGish's PCA parameters, made up."""
    arrays = {"pca_eigen_vectors": np.eye(128, dtype=np.float32)}
    np.savez(folder / "pca.npz", **arrays, pca_means=np.zeros(128, np.float32))


def write_checkpoint(folder: pathlib.Path) -> None:
    """A checkpoint of TensorFlow 1."""
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable("vggish/conv1/weights", [3, 3, 1, 4])
        tf.compat.v1.get_variable("vggish/conv1/biases", [4])
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(folder / "model.ckpt"), write_meta_graph=False)


def write_saved_target(folder: pathlib.Path) -> None:
    """A SavedModel of log-mel patches, as a target."""
    build_network().export(str(folder / "saved"), verbose=False)


def write_export(folder: pathlib.Path) -> None:
    """What scripts/export_saved_model.py writes."""
    from vggish_inversion import vocoders
    from vggish_inversion.inverters import run
    from vggish_inversion.reconstruction import saved_model

    trained = run.read_run(_INVERTER)
    target = trained.load_target()
    vocoder = vocoders.load_vocoder("griffin_lim", target.log_mel)
    saved_model.export_saved_model(trained, folder / "saved", target=target, vocoder=vocoder)


def write_store(folder: pathlib.Path) -> None:
    """A model store of one encoder and one inverter, with cards and digests."""
    for name in (
        "small_encoder/speech_commands/1",
        "inverter/small_encoder/speech_commands/layer_6/paper-l1/1",
    ):
        shutil.copytree(_STORE / name, folder / name)


def write_wav2vec2(folder: pathlib.Path) -> None:
    """A recogniser's folder, of untrained weights."""
    import transformers  # pyright: ignore[reportMissingImports]

    config = transformers.Wav2Vec2Config(
        **{"vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2},
        **{"intermediate_size": 8, "conv_dim": (4,) * 7, "num_conv_pos_embeddings": 4},
        num_conv_pos_embedding_groups=2,
    )
    network = transformers.TFWav2Vec2ForCTC(config)
    network(network.dummy_inputs)
    network.save_pretrained(folder)
    characters = ("<pad>", "<s>", "</s>", "<unk>", "|", "E", "T", "A")
    (folder / "vocab.json").write_text(json.dumps({c: i for i, c in enumerate(characters)}))
    preprocessor = {"sampling_rate": 16000, "do_normalize": True, "return_attention_mask": False}
    preprocessor |= {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "padding_value": 0.0}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))


def result_rows(utterances: list[str]) -> list[dict[str, str]]:
    """Rows of results.csv for two references and a tap."""
    from vggish_inversion import results

    rows = []
    for name in utterances:
        for layer in ("natural", "true_log_mel", "layer_1"):
            row = dict.fromkeys(results.RESULT_COLUMNS, "") | {"target": "vggish", "layer": layer}
            row |= {"vocoder": "griffin_lim", "asr": "pocketsphinx", "num_utterances": "1"}
            row |= {"preset": "paper", "loss": "l1"} if layer == "layer_1" else {}
            row |= {"wer": "0.25", "cer": "0.1", "stoi": "0.9", "estoi": "0.8", "log_mel_l1": "0.3"}
            row |= {
                "utterance": name,
                "reference": "a b c d",
                "transcript": "a b c",
                "status": "ok",
            }
            row |= {"num_words": "4", "substitutions": "0", "deletions": "1", "insertions": "0"}
            rows.append(row)
    return rows


def result_settings() -> dict:
    """What run.json holds."""
    layers = ["natural", "true_log_mel", "layer_1"]
    return {
        **{"target": "vggish", "target_fingerprint": "sha256:0", "data_dir": ["speech"]},
        **{"split": "test", "patch_hop_frames": 96, "metrics": [], "shard": None},
        **{"inverters": {"layer_1/paper-l1": "0"}, "vocoders": {"griffin_lim": None}},
        "scorers": {},
        **{"recognisers": {"pocketsphinx": "0"}, "utterances_sha256": "0", "num_utterances": 2},
        **{"num_conditions": 3, "layers": layers, "seconds": {"reading": 1.0}},
        **{"patches_seen": {"layer_1/paper-l1": 16}, "views": {"layer_1/paper-l1": 1}},
        **{"command": ["python", "scripts/evaluate.py"], "versions": {"keras": "3.15.1"}},
    }


def write_results(folder: pathlib.Path, *, name: str = "a", shard: dict | None = None) -> None:
    """A results folder with sound and log-mel."""
    from vggish_inversion import audio, results
    from vggish_inversion.evaluation import tables

    folder.mkdir(exist_ok=True)
    settings = result_settings() | {"shard": shard}
    utterances = [f"{name}1", f"{name}2"]
    rows = result_rows(utterances)
    results.write_json(folder / "run.json", settings)
    results.write_table(folder / "results.csv", results.RESULT_COLUMNS, rows)
    tables.write_derived(rows, folder, layers=settings["layers"])
    for kind in ("natural", "true_log_mel", "layer_1/paper-l1"):
        for place in ("audio", "log_mel"):
            (folder / place / kind).mkdir(parents=True)
        for utterance in utterances:
            audio.write_wav(folder / "audio" / kind / f"{utterance}.wav", _speech(0, 0.2))
            log_mel = np.zeros((18, 64), np.float16)
            np.save(folder / "log_mel" / kind / f"{utterance}.npy", log_mel)


def write_shards(folder: pathlib.Path) -> None:
    """Results of two shards."""
    for index in (1, 2):
        shard = {"index": index, "count": 2}
        write_results(folder / f"shard-{index}-of-2", name="ab"[index - 1], shard=shard)


def write_benchmark(folder: pathlib.Path) -> None:
    """What a benchmark prints."""
    (folder / "out.txt").write_text(f"table\n{json.dumps({'neural_sha256': '0'})}\n")
