"""The papers behind what was used, as BibTeX."""

import inspect
from typing import Any

import jax

from ._errors import fault
from ._papers import PAPERS as PAPERS, Paper as Paper
from .paths import Provenance


__all__ = ["PAPERS", "Paper", "behind", "cite"]


_BEHIND: dict[str, tuple[str, ...]] = {
    "BrownianMotion": ("revuz1999",),
    "BrownianBridge": ("revuz1999",),
    "OrnsteinUhlenbeck": ("uhlenbeck1930", "gillespie1996"),
    "LinearSDE": ("vanloan1978",),
    "GeometricBrownianMotion": ("black1973",),
    "CoxIngersollRoss": ("cox1985",),
    "SquaredBessel": ("revuz1999",),
    "Jacobi": ("forman2008",),
    "Benes": ("benes1981",),
    "DoubleWell": ("pavliotis2014",),
    "Langevin": ("pavliotis2014",),
    "Heston": ("heston1993",),
    "Lorenz": ("lorenz1963",),
    "LotkaVolterra": ("volterra1926",),
    "GaussianProcess": ("rasmussen2006",),
    "FractionalBrownianMotion": ("mandelbrot1968", "davies1987", "wood1994"),
    "FractionalOrnsteinUhlenbeck": ("cheridito2003", "mandelbrot1968"),
    "RiemannLiouvilleMotion": ("marinucci1999",),
    "Hybrid": ("bennedsen2017",),
    "MultifractionalMotion": ("peltier1995", "istas1997"),
    "GaussianProcessBridge": ("gasbarra2007", "rasmussen2006"),
    "extend": ("hosking1984",),
    "extend_until": ("hosking1984",),
    "FractionalBrownian": ("mandelbrot1968", "davies1987", "deya2012"),
    "RiemannLiouville": ("marinucci1999",),
    "MandelbrotVanNess": ("mandelbrot1968",),
    "FractionalVE": ("nobis2024", "song2021"),
    "FractionalVP": ("nobis2024", "song2021"),
    "AugmentedScoreMatching": ("nobis2024", "song2021"),
    "NoiseScore": ("nobis2024",),
    "Reversed": ("nobis2024", "anderson1982"),
    "Ancestral": ("nobis2024", "ho2020"),
    "PinnedFractionalBridge": ("nobis2025",),
    "AffinePath": ("albergo2023", "song2021"),
    "Field": ("albergo2023",),
    "InterpolantMatching": ("albergo2023", "song2021"),
    "GenerativeDiffusion": ("albergo2023", "song2021"),
    "ExponentialStep": ("li2025",),
    "LangevinStep": ("song2021",),
    "gaussian_flow": ("wang2023",),
    "geometric_brownian": ("shetty2025",),
    "Pushforward": ("shetty2025",),
    "asymmetry": ("horvat2024",),
    "intrinsic_dimension": ("horvat2024",),
    "karras_grid": ("karras2022",),
    "Hutchinson": ("hutchinson1990",),
    "ConditionalMLP": ("ho2022",),
    "MarkovApproximation": ("daems2024", "harms2019"),
    "MarkovFractional": ("daems2024", "harms2019"),
    "MultifractionalDriver": ("peltier1995", "tong2022", "daems2024"),
    "VolterraDriver": ("bayer2023", "daems2024"),
    "BayerBreneis": ("bayer2023",),
    "GammaMax": ("daems2024",),
    "PowerKernel": ("bayer2016",),
    "MittagLefflerKernel": ("eleuch2019",),
    "GammaKernel": ("barndorff2009",),
    "BernsteinKernel": ("abijaber2019",),
    "Sinkhorn": ("cuturi2013", "schmitzer2019", "leonard2014"),
    "GaussianSchroedingerBridge": ("bunne2023",),
    "SinkhornBridge": ("pooladian2024", "leonard2014"),
    "LightSB": ("korotin2024",),
    "LightSBLoss": ("korotin2024",),
    "MatchedBridge": ("tong2024",),
    "BridgeMatching": ("tong2024",),
    "Iteration": ("shi2023",),
    "MeanMatching": ("debortoli2021",),
    "complete": ("hong2025",),
    "mixture_benchmark": ("gushchin2023",),
    "Refinement": ("shen2025",),
    "GaussianRefinement": ("shen2025",),
    "Diffusion": ("kidger2021",),
    "MLPField": ("kidger2021",),
    "MarginalLikelihood": ("kalman1960", "sarkka2021"),
    "TransitionLikelihood": ("revuz1999",),
    "path_kl": ("girsanov1960",),
    "CRPS": ("gneiting2007",),
    "LogScore": ("gneiting2007",),
    "EnergyScore": ("gneiting2007",),
    "Euler": ("maruyama1955", "kidger2021"),
    "EulerHeun": ("kloeden1992", "kidger2021"),
    "EES25": ("shmelev2025", "kidger2021"),
    "Heun": ("kloeden1992", "kidger2021"),
    "Reversible": ("kidgerfoster2021",),
    "ReversibleHeun": ("kidgerfoster2021", "kidger2021"),
    "ItoMilstein": ("milstein1975", "kidger2021"),
    "StratonovichMilstein": ("milstein1975", "kidger2021"),
    "SRA1": ("rossler2010", "kidger2021"),
    "ShARK": ("foster2024", "kidger2021"),
    "GeneralShARK": ("foster2024", "kidger2021"),
    "SPaRK": ("foster2024", "kidger2021"),
    "SlowRK": ("foster2024", "kidger2021"),
    "Brownian": ("salmon2011",),
    "ReactionNetwork": ("gillespie1977",),
    "gene-expression": ("peccoud1995",),
    "schloegl": ("schlogl1972",),
    "SSA": ("gillespie1977", "lewis1979", "salmon2011"),
    "TauLeaping": ("cao2006", "cao2005"),
    "tau-leaping": ("cao2006", "cao2005"),
    "ChemicalLangevin": ("gillespie2000",),
    "Projection": ("munsky2006", "jensen1953"),
    "LinearNoise": ("vankampen2007", "komorowski2009"),
    "LinearNoiseClosure": ("vankampen2007",),
    "NormalClosure": ("whittle1957",),
    "monomolecular_law": ("jahnke2007",),
    "score_expectation": ("glynn1990", "plyasunov2007"),
    "ExactMLE": ("dahlhaus1989",),
    "Whittle": ("whittle1953", "paxson1997"),
    "ARFIMA": ("hosking1981",),
    "FGN": ("mandelbrot1968",),
    "FOU": ("cheridito2003",),
    "Variations": ("istas1997", "coeurjolly2001"),
    "DFA": ("peng1994",),
    "RescaledRange": ("hurst1951", "anis1976", "taqqu1995"),
    "StructureFunctions": ("gatheral2018",),
    "ExponentialHawkes": ("hawkes1971", "ozaki1979", "dassios2013"),
    "ExponentialSumHawkes": ("hawkes1971", "ozaki1979", "dassios2013"),
    "PowerLawHawkes": ("hawkes1971", "ogata1988"),
    "NonlinearHawkes": ("bremaud1996",),
    "ETAS": ("ogata1988",),
    "MarkovModulatedPoisson": ("fischer1993",),
    "SelfCorrecting": ("isham1979",),
    "InhomogeneousPoisson": ("lewis1979",),
    "Thinning": ("ogata1981", "lewis1979"),
    "simulate_clusters": ("hawkes1974",),
    "residuals": ("brown2002",),
    "optimal_transport_distance": ("mei2019",),
    "t_map": ("karpukhin2024",),
    "calibration": ("bosser2023",),
    "triangular_hawkes1": ("shchur2020",),
    "nile": ("cobb1978", "durbin2012"),
    "nile_minima": ("hurst1951",),
    "diffrax": ("kidger2021",),
    "equinox": ("kidgergarcia2021",),
    "LatentSDE": ("li2020", "daems2024"),
    "ELBO": ("li2020", "burda2016"),
    "AdversarialMatching": ("kidgergan2021", "arjovsky2017", "mao2017"),
    "FiniteDimensionalMatching": ("zhang2025",),
    "SignatureMatching": ("issa2023", "salvi2021"),
    "adversarial": ("heusel2017",),
    "average_weights": ("yazici2019",),
    "signature_kernel": ("salvi2021",),
    "SDEMatching": ("bartosh2025", "course2023"),
    "posterior_collapse": ("burda2016",),
    "Enumeration": ("mohamed2020",),
    "Reparametrised": ("mohamed2020",),
    "MeasureValued": ("mohamed2020",),
    "ScoreFunction": ("williams1992", "kool2019"),
    "GumbelSoftmax": ("jang2017",),
    "StraightThrough": ("bengio2013", "jang2017"),
    "GRUEncoder": ("li2020", "che2018"),
    "AttentionEncoder": ("vaswani2017",),
    "FirstFrames": ("li2020",),
    "ControlMLP": ("li2020", "daems2024"),
    "BoundedDiffusion": ("li2020", "chen2019"),
    "lipswish": ("chen2019",),
    "moving_digits": ("denton2018",),
    "ConvEncoder": ("lecun1998",),
    "fou": ("cheridito2003",),
    "NeuralCDE": ("kidger2020",),
    "CDEField": ("kidger2020",),
    "Rectilinear": ("morrill2021online",),
    "Hermite": ("morrill2021online",),
    "LogSignature": ("morrill2021",),
    "neural_rde": ("morrill2021", "kidger2020"),
    "CrossEntropy": ("gneiting2007",),
    "NeuralODE": ("chen2018",),
    "FlowError": ("chen2018",),
    "neural_sde": ("kidger2021", "li2020"),
    "HybridDrift": ("rackauckas2020",),
    "Formula": ("brunton2016",),
    "symbolic": ("brunton2016", "boninsegna2018"),
    "BoundedField": ("kidgerfoster2021",),
    "MatrixDiffusion": ("kidgerfoster2021",),
    "DeepEquilibrium": ("bai2019",),
    "ContractiveCell": ("elghaoui2021",),
    "spirals": ("chen2018", "kidger2020"),
    "CovariateRates": ("kalbfleisch1985",),
    "RateMatrix": ("kalbfleisch1985",),
    "TimedRates": ("lewis1979",),
    "NeuralRates": ("seifner2023",),
    "Hidden": ("rabiner1989", "siekmann2014"),
    "HiddenMarkov": ("rabiner1989",),
    "label_gram": ("torre2025",),
    "label_runs": ("torre2025",),
    "counter_poisson": ("hormann1993",),
    "viterbi": ("viterbi1967",),
    "em": ("bladt2005", "hobolth2005", "vanloan1978"),
    "endpoint_jumps": ("hobolth2005", "vanloan1978"),
    "bridge": ("hobolth2009",),
    "gibbs": ("rao2013",),
    "variational_posterior": ("opper2008",),
    "entropy_rate": ("schnakenberg1976",),
    "flashing_ratchet": ("roldan2010", "seifner2023"),
    "dfr_v1": ("berghaus2024",),
    "TaskPrior": ("berghaus2024",),
    "AmortisedRates": ("berghaus2024", "papamakarios2016"),
    "AmortisedLikelihood": ("papamakarios2016",),
    "PairNetwork": ("maron2019",),
    "msm_psor": ("gladman1999",),
    "msm_fev": ("jackson2002",),
    "ContinuousLSTM": ("mei2017",),
    "CumulativeNetwork": ("omi2019",),
    "Gompertz": ("du2016",),
    "LogNormalMixture": ("shchur2020",),
    "MovingIntensity": ("mei2017",),
    "RelaxingIntensity": ("zhang2020",),
    "DriftingIntensity": ("zuo2020",),
    "AttentionHistory": ("zuo2020", "zhang2020"),
    "AttentiveHistory": ("yang2022",),
    "StateSpaceHistory": ("chang2025",),
    "TimeGivenMark": ("waghmare2022",),
    "MarkGivenTime": ("waghmare2022",),
    "IndependentMarks": ("waghmare2022",),
    "PerEvent": ("xue2024",),
    "RationalQuadraticSpline": ("durkan2019",),
}


def behind(paper: str) -> tuple[str, ...]:
    """What in the library a paper stands behind.

    **Arguments:**

    - `paper`: a key of `PAPERS`.

    **Returns:** the names of classes, solvers and data sets, in alphabetical order.

    !!! example

        ```python
        from sdekit.cite import behind
        behind("uhlenbeck1930")  # ('OrnsteinUhlenbeck',)
        ```
    """
    return tuple(sorted(name for name, keys in _BEHIND.items() if paper in keys))


def _names(thing: Any) -> list[str]:
    """The names of the classes, functions and solvers inside a model, a path or a fit."""
    if inspect.isclass(thing) or inspect.isroutine(thing):
        return [thing.__name__]
    found: list[str] = []

    def visit(node: Any) -> bool:
        if isinstance(node, Provenance):
            found.extend((node.solver, node.noise))
        found.append(type(node).__name__)
        return False

    jax.tree.leaves(thing, is_leaf=visit)
    return found


def cite(thing: Any) -> str:
    """The BibTeX of the papers behind something.

    **Arguments:**

    - `thing`: a model, an objective, a path (its solver and noise count), a class, or the name of a process, a solver,
      a data set, an experiment's paper or a key of `PAPERS`.

    **Returns:** BibTeX entries, one after the other; the libraries underneath come last.

    **Raises:** `ValueError` for a name that nothing is known of.

    !!! example

        ```python
        import sdekit as sk
        from sdekit.cite import cite
        cite(sk.processes.OrnsteinUhlenbeck(rate=1.0))  # '@article{uhlenbeck1930, ...'
        ```
    """
    lower = {name.lower(): keys for name, keys in _BEHIND.items()} | {key: (key,) for key in PAPERS}
    if isinstance(thing, str):
        if thing.lower() not in lower:
            known = ", ".join(sorted(_BEHIND))
            raise ValueError(fault("name", "is not in the bibliography", thing, f"use one of {known}"))
        names = [thing]
    else:
        names = _names(thing)
    keys = [key for name in names for key in lower.get(name.lower(), ())]
    if not isinstance(thing, str):
        keys.append("kidgergarcia2021")
    keys = [*dict.fromkeys(keys)]
    return "\n\n".join(PAPERS[key].bibtex(key) for key in keys)
