"""Data sets in files: more snapshots, with held-out times in files of their own."""

import numpy as np

from ._file_series import github
from ._registry import register
from ._snapshots import Snapshots
from ._store import File, fetch


__all__: list[str] = []

_SNAPMMD = ("YunyiShen/snapMMD", "a1abb50460dc194c493da3468f40a8ba40bb1b8d")
_RESEARCH = "none stated: research use, do not redistribute"


def _snapmmd(name: str, stem: str, hashes: tuple[str, str], about: str) -> None:
    names = f"{stem}_data.npz", f"{stem}_data_interp_val.npz"
    train, held_out_file = (
        github(f"bridges/classic_{file}", sha256, *_SNAPMMD, f"data/classic/{file}")
        for file, sha256 in zip(names, hashes, strict=True)
    )

    def read(*, held_out: bool = False) -> Snapshots:
        (path,) = fetch(name, [held_out_file if held_out else train])
        with np.load(path, allow_pickle=False) as arrays:
            return Snapshots(np.asarray(arrays["dts"], np.float64), arrays["Xs"])

    citation = "Berlinghieri, Shen, Jiang and Broderick (2025), arXiv 2505.16082"
    files = (train, held_out_file)
    register(name, kind="Snapshots", about=about, licence=_RESEARCH, citation=citation, files=files)(read)


_snapmmd(
    "snapmmd_lv",
    "LV",
    (
        "415072fb24816e8e4b87755a3f90693ad5e092b4c6d7d3e5b581ce04f9612157",
        "64cda40265d2fa33e9785d4679be41e375c291285e53bdcdb16f4526663a11a8",
    ),
    "Predators and prey, 11 snapshots of 200 at 0..10; mid-times 0.5..8.5 by held_out=True.",
)
_snapmmd(
    "snapmmd_repressilator",
    "Repressilator",
    (
        "087cd67d983e2b25c8320b64ede857d048fe0e3a4c9b75306d0039328229d5bb",
        "9e80ecf39150dd4e6fe78ac8af8936145244314362fc1f7d45962578482da0b9",
    ),
    "A genetic clock of three genes, 11 snapshots of 200 at 0..10; mid-times 0.5..8.5 by held_out=True.",
)

_EB_COMMIT = ("tgravier/MMDSBM-pytorch", "895829af1ad72fc7ec84df2b031e17b1ef513991")
_EB = File(
    "bridges/eb_5pc.npz",
    "c423eadd58ed7467b5734de63a0f7ea214e89c40e2b684e9999fc09f60c95534",
    origin="github.com/tgravier/MMDSBM-pytorch @895829af datasets/data/phate_multi_dim/pcs_label_{0..4}.npz",
    made="the first five columns in float32 as `xs`, the number of the file as `labels`",
)
_EB_PARTS = tuple(
    github(f"bridges/pcs_label_{k}.npz", sha256, *_EB_COMMIT, f"datasets/data/phate_multi_dim/pcs_label_{k}.npz")
    for k, sha256 in enumerate(
        (
            "56966c242d458e80074ab694e8574c00efc81dad96433ea0f79f4a171410f190",
            "4ef3f174d95e98a462a425376a4de47a17efcb3f8e96499aaf3aeba1df5de8c0",
            "656bd4c6ecf2229187e24c77bb928c6ed5e21ab3cf8e40ed2c6ab91784f6516c",
            "bd2aa88412d3bb2fac9b8384b6df6e5c66ae49c5b7b7918c980c0e0eef0e82a7",
            "6e2f1b39376696e57468e82d498aa0c76d9a0b11a3d792767f77cfe18385a85a",
        )
    )
)


@register(
    "eb_5pc",
    kind="Snapshots",
    about="Embryoid bodies: all 16,819 cells at 5 stages, first five whitened principal components.",
    licence=_RESEARCH,
    citation="Moon et al. (2019), Nature Biotechnology 37, 1482-1492",
    files=(_EB, *_EB_PARTS),
)
def _eb_5pc() -> Snapshots:
    paths = fetch("eb_5pc", [_EB], _EB_PARTS)
    if len(paths) == 1:
        with np.load(paths[0], allow_pickle=False) as arrays:
            xs, labels = arrays["xs"], arrays["labels"]
        clouds = [xs[labels == k] for k in range(5)]
    else:
        clouds = []
        for path in paths:
            with np.load(path, allow_pickle=False) as arrays:
                clouds.append(arrays["pcs"][:, :5].astype(np.float32))
    return Snapshots.from_list(np.arange(5.0), clouds)
