"""Data sets in files: panels and laws of jump processes."""

from collections.abc import Sequence

import numpy as np

from .._errors import require
from ._frames import optional
from ._panel import Panel, Seen
from ._registry import register
from ._store import File, fetch


__all__: list[str] = []

_OPENFIM = "github.com/FIM4Science/OpenFIM @cee2bb53"
_FIM_CITATION = "Berghaus et al. (2024), Foundation inference models for Markov jump processes, NeurIPS"
_MSM_LICENCE = "GPL >= 2 (package msm); outside data for benchmarks only"


def _ratchet(voltage: int, sha256: str) -> None:
    file = File(
        f"jumps/dfr_V{voltage}.npz",
        sha256,
        origin=f"{_OPENFIM} scripts/huggingface/datasets/mjp/data/DFR/6_st_DFR_V={voltage}.zip",
        made="arrays `times`, `paths` (int8), `rate_matrix`, `initial`",
    )
    name = f"dfr_v{voltage}"
    common = {"licence": "MIT", "citation": _FIM_CITATION, "files": (file,)}

    @register(
        name,
        kind="Panel",
        about=f"Discrete flashing ratchet, V = {voltage}: 10,000 paths of 6 states seen at 100 times on [0, 2.5].",
        **common,
    )
    def _paths(*, n: int | None = None) -> Panel:
        (path,) = fetch(name, [file])
        with np.load(path, allow_pickle=False) as arrays:
            paths, times = arrays["paths"][:n].astype(np.int32), arrays["times"]
        return Panel(np.broadcast_to(times, paths.shape), paths, num_states=6)

    @register(
        f"{name}_law",
        kind="arrays",
        about=f"The generator (6, 6) and the stationary start (6,) that {name} was drawn from.",
        **common,
    )
    def _law() -> dict[str, np.ndarray]:
        (path,) = fetch(name, [file])
        with np.load(path, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in ("rate_matrix", "initial")}


_ratchet(0, "0eae28a9e13698dd9c3cc28c1e8ada22efd63f8a62020461defe6f4cb2b7d42b")
_ratchet(1, "8fc4600968a095e963efeb49fb213a2af649cc3d33ac6a60b90515f3a397cbc6")

_PRIOR = File(
    "jumps/fim_mjp_training_prior_sample.npz",
    "ac060501204c1c054a731eaa1ad6faaf5852e992b35425cca038d9be99fcb279",
    origin=f"{_OPENFIM} tests/resources/data/mjp",
    made="tensors as arrays, named {4st_reg, 6st_rand}_{train, test}_{adjacency_matrices, initial_distributions, ...}",
)


@register(
    "fim_mjp_prior",
    kind="arrays",
    about="600 generators of 4 and 800 of 6 states from the training prior of FIM-MJP, as six-state arrays.",
    licence="MIT",
    citation=_FIM_CITATION,
    files=(_PRIOR,),
)
def _fim_mjp_prior(*, states: int = 6) -> dict[str, np.ndarray]:
    stems = {4: "4st_reg", 6: "6st_rand"}
    require(states in stems, "states", "must be 4 or 6", states, "pass states=4 or states=6")
    (path,) = fetch("fim_mjp_prior", [_PRIOR])
    names = ("intensity_matrices", "adjacency_matrices", "initial_distributions", "mask_seq_lengths")
    with np.load(path, allow_pickle=False) as arrays:
        parts = {n: [arrays[f"{stems[states]}_{part}_{n}"] for part in ("train", "test")] for n in names}
    return {name: np.concatenate(part) for name, part in parts.items()}


def _msm(name: str, sha256: str, table: str) -> File:
    return File(
        f"jumps/msm_{name}.csv",
        sha256,
        origin=f"the R package msm 1.8.2, data/{table} (github.com/chjackson/msm)",
        made=f"written by write.csv({name}, row.names = FALSE)",
    )


_ANEUR = _msm("aneur", "0d7980b8f686c2387b426ec0e2e7e5e5f79ac8c6a53ecdf22191fc69e71b6f35", "msmdata.rda")


@register(
    "msm_aneur",
    kind="Panel",
    about="Aortic aneurysm of 838 men by age in years: 4 degrees of severity at ultrasound screens, misclassified.",
    licence=_MSM_LICENCE,
    citation="Jackson, Sharples, Thompson, Duffy and Couto (2003), The Statistician 52, 193-209",
    files=(_ANEUR,),
)
def _aneur() -> Panel:
    (path,) = fetch("msm_aneur", [_ANEUR])
    table = optional("pandas").read_csv(path)
    return Panel.from_pandas(table, time="age", state="state", item="ptnum", unit="years")


_PSOR = _msm("psor", "7ff623c3020c360c5e1896432cdbe0d3119de6cc1d059132bb3bd9da87323931", "msmdata.rda")


@register(
    "msm_psor",
    kind="Panel",
    about="Psoriatic arthritis, 4 grades by months, 305 patients, 271 of them with ollwsdrt; the rest only without it.",
    licence=_MSM_LICENCE,
    citation="Gladman and Farewell (1999), Journal of Rheumatology 26, 2409-2413",
    files=(_PSOR,),
)
def _psor(*, covariates: Sequence[str] = ("hieffusn", "ollwsdrt")) -> Panel:
    (path,) = fetch("msm_psor", [_PSOR])
    table = optional("pandas").read_csv(path).dropna(subset=list(covariates))
    return Panel.from_pandas(
        table, time="months", state="state", item="ptnum", covariates=covariates, states=(1, 2, 3, 4), unit="months"
    )


def _bos(name: str, sha256: str, table: str, states: int, unit: str, about: str) -> None:
    file = _msm(name, sha256, table)

    def read() -> Panel:
        (path,) = fetch(f"msm_{name}", [file])
        frame = optional("pandas").read_csv(path).astype({"state": int})
        # A state entered and left at one time was never held: only the last state of a time counts.
        frame = frame.drop_duplicates(["ptnum", "time"], keep="last")
        labels = range(1, states + 1)
        panel = Panel.from_pandas(frame, time="time", state="state", item="ptnum", states=labels, unit=unit)
        # Every row is an exact entry; a last row with an unchanged state ends the observation.
        kinds = np.where(np.asarray(panel.mask), int(Seen.JUMP), 0)
        return Panel(
            panel.ts, panel.states, panel.mask, kinds=kinds,
            num_states=states, clock=panel.clock, labels=panel.labels,
        )  # fmt: skip

    citation = "Heng et al. (1998), Journal of Heart and Lung Transplantation 17, 1255-1263"
    register(f"msm_{name}", kind="Panel", about=about, licence=_MSM_LICENCE, citation=citation, files=(file,))(read)


_bos(
    "bos",
    "b8f3d41f27190a283c52b782d7ba884e4a1aaeeec5e2324d00aa330f785ce3d4",
    "msmdata.rda",
    5,
    "months",
    "Bronchiolitis obliterans after lung transplants: exact entries into 4 stages and death, 204 patients, months.",
)
_bos(
    "bos3",
    "b8079604fc8d4418c5a7cd977d956d3a46ce11e8b87e4e807fb0d0287ae869e4",
    "bos3.rda",
    3,
    "days",
    "msm_bos with its stages 2-4 as one: exact entries into 3 states, days.",
)
_bos(
    "bos4",
    "b73b141b95a69be5e9ba983389e0612d0e233c5792617528a8bf28d79490bf89",
    "bos4.rda",
    4,
    "days",
    "msm_bos with its stages 3-4 as one: exact entries into 4 states, days.",
)
