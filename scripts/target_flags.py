"""The flags that name a target, and what they load."""

from collections.abc import Callable

from absl import flags

flags.disclaim_key_flags()  # --help lists the flags defined here as the script's own


def define_target_flags() -> Callable:
    """Defines --target, --target_weights, --axes, --head and --seed; returns what loads it."""
    target = flags.DEFINE_string(
        "target",
        "vggish",
        "vggish, yamnet, small_encoder/TASK, or the path of a .keras file or SavedModel folder.",
    )
    weights = flags.DEFINE_string(
        "target_weights", None, "URL, file, folder or 'untrained'; default: published or shipped."
    )
    axes = flags.DEFINE_enum(
        "axes",
        None,
        ["frames,bands", "bands,frames"],
        "Order of a patch's axes in your own network; default: as its JSON says, or frames,bands.",
    )
    head = flags.DEFINE_string(
        "head",
        None,
        "Layer, or output of a SavedModel, that tells classes apart; default: what the network "
        "ends with.",
    )
    seed = flags.DEFINE_integer("seed", 0, "Of everything random.")

    def load(*, default_weights=None):
        from vggish_inversion.targets import loading  # imports TensorFlow, which --help need not

        return loading.load_target(
            target.value,
            weights=weights.value or default_weights,
            seed=seed.value,
            axes=axes.value,
            head=head.value,
        )

    return load


def load_checked(load: Callable, check: Callable):
    """Loads the target; what needs its layers alone is checked before weights are fetched."""
    from vggish_inversion.targets import encoder, loading

    if loading.is_family(flags.FLAGS.target):
        check(loading.load_target(flags.FLAGS.target, weights=encoder.UNTRAINED))
    return load()


def target_paths() -> list[str]:
    """The paths in --target and --target_weights, which a script must not write over."""
    from vggish_inversion.targets import loading

    target, weights = flags.FLAGS.target, flags.FLAGS.target_weights
    paths = []
    if target and not loading.is_family(target):
        paths += [target, f"{target.removesuffix('.keras')}.json"]  # its settings are beside it
    if weights and "://" not in weights:
        paths.append(weights)
    return paths
