"""Data sets in files: series and snapshots."""

from collections.abc import Sequence

import numpy as np

from .._errors import require
from ._clock import Clock
from ._frames import optional
from ._registry import register
from ._series import Series
from ._snapshots import Snapshots
from ._store import File, fetch


__all__: list[str] = []

_RAW = "https://raw.githubusercontent.com"


def github(path: str, sha256: str, repository: str, commit: str, inside: str) -> File:
    """A file that is public, byte for byte, in a repository at a commit."""
    origin = f"github.com/{repository} @{commit[:8]} {inside}"
    return File(path, sha256, f"{_RAW}/{repository}/{commit}/{inside}", origin)


_NILE = github(
    "fractional/nile_minima.csv",
    "916c901f8a6f5511f3437ccf05387979005a9af42b40bab0ae0975abe4339d49",
    "econmaett/nilometer",
    "942264b37caa33214170e5b2fe88698f7d8d0a79",
    "clean_nilometer.csv",
)


@register(
    "nile_minima",
    kind="Series",
    about="Annual minimum level of the Nile at Roda, m: Hurst's series 622-1284; to 1921 with gaps by last=1921.",
    licence="none stated; historical facts",
    citation="Tousson (1925), Memoire sur l'histoire du Nil; Koutsoyiannis (2013), doi 10.1080/02626667.2013.804626",
    files=(_NILE,),
)
def _nile_minima(*, last: int = 1284, levels: Sequence[str] = ("min_level",)) -> Series:
    (path,) = fetch("nile_minima", [_NILE])
    table = np.genfromtxt(path, delimiter=",", names=True)
    known = [name for name in table.dtype.names or () if name != "year"]
    for name in levels:
        require(name in known, "levels", "is not a column", name, f"use some of {known}")
    table = table[table["year"] <= last]
    require(len(table) > 0, "last", "is before the first year, 622", last, "pass a later year")
    ys = np.stack([table[name] for name in levels], axis=-1)
    clock = Clock(float(table["year"][0]), "years")
    return Series(clock.read(table["year"]), ys, np.isfinite(ys), clock=clock, names=tuple(levels))


_SP500 = github(
    "fractional/sp500_realised_variance.csv",
    "b94f3ef2755f63de5890d9df2d2d4d883ebcd12906d18b2cb645fe463c9cf877",
    "mcreel/Econometrics",
    "5fc1a85cb5dcadf26256b98b82c95af6e678154e",
    "Examples/Julia/sp500.csv",
)


@register(
    "sp500_realised_variance",
    kind="Series",
    about="S&P 500: daily returns in %, realised variance and bipower variation in %^2, 1000 days, 2013-2017.",
    licence="MIT (repository)",
    citation="Heber, Lunde, Shephard and Sheppard (2009), Oxford-Man Institute's realized library",
    files=(_SP500,),
)
def _sp500_realised_variance(*, unit: str = "days") -> Series:
    (path,) = fetch("sp500_realised_variance", [_SP500])
    table = np.genfromtxt(path, delimiter=",", skip_header=1, dtype=None, encoding="utf-8")
    days = np.array([row[0] for row in table], dtype="datetime64[D]")
    ys = np.array([[row[1], row[2], row[3]] for row in table])
    clock = Clock(str(days[0]), unit)
    return Series(clock.read(days), ys, clock=clock, names=("returns", "realised_variance", "bipower_variation"))


_MOCAP = github(
    "mocap35/mocap35.mat",
    "105484f138487f10209cce883d26e2e030d10a6df6f10159f4e6e253f9b03b8d",
    "uncbiag/neuro_shooting",
    "ebf80a9c0a4515fdfffaa0c5418dc866e2776495",
    "data/mocap/mocap35.mat",
)


@register(
    "mocap35",
    kind="Series",
    about="Walking: 50 joint angles, 300 frames, subject 35; split='train' (16 items), 'validation' (3) or 'test' (4).",
    licence="Apache-2.0 (repository); CMU: free use, no resale of the data",
    citation="CMU Graphics Lab Motion Capture Database, mocap.cs.cmu.edu (NSF EIA-0196217); Gan et al. (2015)",
    files=(_MOCAP,),
)
def _mocap35(*, split: str = "train") -> Series:
    keys = {"train": "Xtr", "validation": "Xval", "test": "Xtest"}
    require(split in keys, "split", "is not a part of the data", split, f"use one of {list(keys)}")
    (path,) = fetch("mocap35", [_MOCAP])
    from scipy.io import loadmat

    ys = np.ascontiguousarray(loadmat(path)[keys[split]], dtype=np.float64)
    return Series(np.arange(ys.shape[1], dtype=np.float64), ys, clock=Clock(0.0, "frames"))


_IP3R = "IPR2_10uMIP3_5mMATP_10nMCa_C4_T02.dat"
_IP3R_GZ = File(
    "jumps/ip3r2_10uMIP3_5mMATP_10nMCa_C4_T02.dat.gz",
    "6540d70041e307cbfb2e5c708284ad8627d5428ba7e9a27f3bacfdafc46518f8",
    origin=f"github.com/merlinthemagician/icmcstat @cf427481 testdata/{_IP3R}",
    made="compressed by gzip",
)
_IP3R_RAW = github(
    f"jumps/{_IP3R}",
    "a36c326eea7d5d1fd184239cd0d7d3d0b6a0cdff2842a38527cbe9e6db9975ef",
    "merlinthemagician/icmcstat",
    "cf427481a5633b788b6e3fe18055d0d2b9f21908",
    f"testdata/{_IP3R}",
)


@register(
    "ip3r2",
    kind="Series",
    about="Current through one IP3 receptor of type 2, pA, 60,000 samples; time in samples.",
    licence="GPL-2 (repository); outside data for benchmarks only",
    citation="Siekmann, Sneyd and Crampin (2014), doi 10.1098/rspa.2014.0030; Wagner and Yule (2012)",
    files=(_IP3R_GZ, _IP3R_RAW),
)
def _ip3r2() -> Series:
    (path,) = fetch("ip3r2", [_IP3R_GZ], [_IP3R_RAW])
    ys = np.loadtxt(path)
    return Series(np.arange(len(ys), dtype=np.float64), ys, clock=Clock(0.0, "samples"), names=("current",))


_MSM_FEV = File(
    "jumps/msm_fev.csv",
    "e2b78040abceb5078cecb33ad6753745dce209e503b2d506e309e239bb937112",
    origin="the R package msm 1.8.2, data/msmdata.rda (github.com/chjackson/msm)",
    made="written by write.csv(fev, row.names = FALSE)",
)


@register(
    "msm_fev",
    kind="Series",
    about="Lung function (FEV1, % of baseline) after transplant, 203 patients; death has dead = 1 and no fev. Days.",
    licence="GPL >= 2 (package msm); outside data for benchmarks only",
    citation="Jackson and Sharples (2002), Statistics in Medicine 21, 113-128",
    files=(_MSM_FEV,),
)
def _msm_fev() -> Series:
    (path,) = fetch("msm_fev", [_MSM_FEV])
    table = optional("pandas").read_csv(path)
    table["dead"] = (table["fev"] == 999).astype(float)
    table["fev"] = table["fev"].where(table["dead"] == 0)
    return Series.from_pandas(table, time="days", values=["fev", "acute", "dead"], item="ptnum", unit="days")


_SBIRR = ("YunyiShen/SBIRR", "77f2f661afae39553dad626960d8d185567ddfe5")
_SBIRR_CITATION = "Shen, Berlinghieri and Broderick (2025), AISTATS, arXiv 2408.06277"
_RESEARCH = "none stated: research use, do not redistribute"


def _sbirr(name: str, file: File, about: str, spacing: float, citation: str = _SBIRR_CITATION) -> None:
    def read() -> Snapshots:
        (path,) = fetch(name, [file])
        xs = np.load(path, allow_pickle=False)
        return Snapshots(spacing * np.arange(len(xs)), xs)

    register(name, kind="Snapshots", about=about, licence=_RESEARCH, citation=citation, files=(file,))(read)


_sbirr(
    "sbirr_lv",
    github(
        "bridges/LV_data.npy",
        "046bca800e73da683b4f37af89fe15792966e71d9dbc16ec3fce194bafea7e23",
        *_SBIRR,
        "Notebooks/data/LV_data.npy",
    ),
    "Predators and prey, 9 snapshots of 50; train on even, hold out odd.",
    1.0,
)
_sbirr(
    "sbirr_repressilator",
    github(
        "bridges/repres_data.npy",
        "4d637f49e6b6b47a3f8b50a59a13ea6bd86f5054f23b4d37e81840878f3216e2",
        *_SBIRR,
        "Notebooks/data/repres_data.npy",
    ),
    "A genetic clock of three genes, 11 snapshots of 50, 0.75 apart; train on even, hold out odd.",
    0.75,
)
_sbirr(
    "sbirr_gom",
    github(
        "bridges/GoMvortexsmall_data.npy",
        "d7798de80626b2272fcf8e86cb6c948cc183dbe80bf88cc6e4f3084a9e70ce90",
        *_SBIRR,
        "Notebooks/data/GoMvortexsmall_data.npy",
    ),
    "Drifters in a vortex of the Gulf of Mexico, 9 snapshots of 111; train on even, hold out odd.",
    1.0,
)
_sbirr(
    "sbirr_eb",
    github(
        "bridges/eb_data.npy",
        "d15fc2070bde4dd2ae41d846fe765426457826dbb85607edfba93324779ea242",
        *_SBIRR,
        "Notebooks/data/eb_data.npy",
    ),
    "Embryoid bodies, 5 snapshots of 300 cells, 5 components; train on even, hold out odd.",
    1.0,
    f"Moon et al. (2019), Nature Biotechnology 37, 1482-1492; {_SBIRR_CITATION}",
)
