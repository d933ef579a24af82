"""The papers behind what was used, as BibTeX."""

import inspect
from typing import Any, NamedTuple

import jax

from ._errors import fault
from .paths import Provenance


__all__ = ["PAPERS", "Paper", "behind", "cite"]


class Paper(NamedTuple):
    """One entry of the bibliography.

    **Arguments:**

    - `kind`: the BibTeX type of the entry.
    - `authors`: as BibTeX wants them, joined by ` and `.
    - `title`, `where`, `year`: what they say; `where` is the journal, publisher or school.
    - `extra`: further BibTeX fields, `volume` and `pages` above all.

    !!! example

        ```python
        from sdekit.cite import Paper
        Paper("book", "Karatzas, I. and Shreve, S. E.", "Brownian Motion and Stochastic Calculus", "Springer", 1991)
        ```
    """

    kind: str
    authors: str
    title: str
    where: str
    year: int
    extra: tuple[tuple[str, str], ...] = ()

    def bibtex(self, label: str) -> str:
        place = {"article": "journal", "book": "publisher", "phdthesis": "school", "inproceedings": "booktitle"}
        rows = {
            "author": self.authors,
            "title": f"{{{self.title}}}",
            place[self.kind]: self.where,
            "year": str(self.year),
        }
        body = ",\n".join(f"  {name} = {{{text}}}" for name, text in {**rows, **dict(self.extra)}.items())
        return f"@{self.kind}{{{label},\n{body}\n}}"


def _article(authors: str, title: str, where: str, year: int, volume: str = "", pages: str = "") -> Paper:
    extra = tuple((n, v) for n, v in (("volume", volume), ("pages", pages.replace("-", "--"))) if v)
    return Paper("article", authors, title, where, year, extra)


PAPERS: dict[str, Paper] = {
    "uhlenbeck1930": _article(
        "Uhlenbeck, G. E. and Ornstein, L. S.", "On the Theory of the Brownian Motion", "Physical Review", 1930, "36", "823-841"
    ),
    "gillespie1996": _article(
        "Gillespie, D. T.", "Exact numerical simulation of the Ornstein-Uhlenbeck process and its integral",
        "Physical Review E", 1996, "54", "2084-2091",
    ),
    "black1973": _article(
        "Black, F. and Scholes, M.", "The Pricing of Options and Corporate Liabilities", "Journal of Political Economy",
        1973, "81", "637-654",
    ),
    "cox1985": _article(
        "Cox, J. C. and Ingersoll, J. E. and Ross, S. A.", "A Theory of the Term Structure of Interest Rates", "Econometrica",
        1985, "53", "385-407",
    ),
    "heston1993": _article(
        "Heston, S. L.", "A Closed-Form Solution for Options with Stochastic Volatility with Applications to Bond and Currency Options",
        "The Review of Financial Studies", 1993, "6", "327-343",
    ),
    "forman2008": _article(
        "Forman, J. L. and S{\\o}rensen, M.", "The Pearson Diffusions: A Class of Statistically Tractable Diffusion Processes",
        "Scandinavian Journal of Statistics", 2008, "35", "438-465",
    ),
    "benes1981": _article(
        "Bene{\\v{s}}, V. E.", "Exact finite-dimensional filters for certain diffusions with nonlinear drift", "Stochastics",
        1981, "5", "65-92",
    ),
    "lorenz1963": _article(
        "Lorenz, E. N.", "Deterministic Nonperiodic Flow", "Journal of the Atmospheric Sciences", 1963, "20", "130-141"
    ),
    "volterra1926": _article(
        "Volterra, V.", "Fluctuations in the Abundance of a Species considered Mathematically", "Nature", 1926, "118", "558-560"
    ),
    "revuz1999": Paper(
        "book", "Revuz, D. and Yor, M.", "Continuous Martingales and Brownian Motion", "Springer", 1999, (("edition", "3"),)
    ),
    "pavliotis2014": Paper("book", "Pavliotis, G. A.", "Stochastic Processes and Applications", "Springer", 2014),
    "mandelbrot1968": _article(
        "Mandelbrot, B. B. and Van Ness, J. W.", "Fractional Brownian Motions, Fractional Noises and Applications", "SIAM Review",
        1968, "10", "422-437",
    ),
    "cheridito2003": _article(
        "Cheridito, P. and Kawaguchi, H. and Maejima, M.", "Fractional Ornstein-Uhlenbeck processes",
        "Electronic Journal of Probability", 2003, "8",
    ),
    "davies1987": _article(
        "Davies, R. B. and Harte, D. S.", "Tests for Hurst effect", "Biometrika", 1987, "74", "95-101"
    ),
    "wood1994": _article(
        "Wood, A. T. A. and Chan, G.", "Simulation of Stationary Gaussian Processes in [0, 1]^d",
        "Journal of Computational and Graphical Statistics", 1994, "3", "409-432",
    ),
    "rasmussen2006": Paper(
        "book", "Rasmussen, C. E. and Williams, C. K. I.", "Gaussian Processes for Machine Learning", "MIT Press", 2006
    ),
    "vanloan1978": _article(
        "Van Loan, C. F.", "Computing integrals involving the matrix exponential", "IEEE Transactions on Automatic Control",
        1978, "23", "395-404",
    ),
    "kalman1960": _article(
        "Kalman, R. E.", "A New Approach to Linear Filtering and Prediction Problems", "Journal of Basic Engineering", 1960,
        "82", "35-45",
    ),
    "sarkka2021": _article(
        "S{\\\"a}rkk{\\\"a}, S. and Garc{\\'i}a-Fern{\\'a}ndez, {\\'A}. F.", "Temporal Parallelization of Bayesian Smoothers",
        "IEEE Transactions on Automatic Control", 2021, "66", "299-306",
    ),
    "girsanov1960": _article(
        "Girsanov, I. V.",
        "On Transforming a Certain Class of Stochastic Processes by Absolutely Continuous Substitution of Measures",
        "Theory of Probability and its Applications", 1960, "5", "285-301",
    ),
    "maruyama1955": _article(
        "Maruyama, G.", "Continuous Markov processes and stochastic equations",
        "Rendiconti del Circolo Matematico di Palermo", 1955, "4", "48-90",
    ),
    "milstein1975": _article(
        "Mil'shtein, G. N.", "Approximate Integration of Stochastic Differential Equations",
        "Theory of Probability and its Applications", 1975, "19", "557-562",
    ),
    "kloeden1992": Paper(
        "book", "Kloeden, P. E. and Platen, E.", "Numerical Solution of Stochastic Differential Equations", "Springer", 1992
    ),
    "rossler2010": _article(
        "R{\\\"o}{\\ss}ler, A.", "Runge-Kutta Methods for the Strong Approximation of Solutions of Stochastic Differential Equations",
        "SIAM Journal on Numerical Analysis", 2010, "48", "922-952",
    ),
    "foster2024": _article(
        "Foster, J. M. and dos Reis, G. and Strange, C.",
        "High Order Splitting Methods for SDEs Satisfying a Commutativity Condition", "SIAM Journal on Numerical Analysis",
        2024, "62", "500-532",
    ),
    "salmon2011": Paper(
        "inproceedings", "Salmon, J. K. and Moraes, M. A. and Dror, R. O. and Shaw, D. E.",
        "Parallel random numbers: as easy as 1, 2, 3", "Proceedings of SC11", 2011,
    ),
    "gneiting2007": _article(
        "Gneiting, T. and Raftery, A. E.", "Strictly Proper Scoring Rules, Prediction, and Estimation",
        "Journal of the American Statistical Association", 2007, "102", "359-378",
    ),
    "cobb1978": _article(
        "Cobb, G. W.", "The problem of the Nile: Conditional solution to a changepoint problem", "Biometrika", 1978, "65", "243-251"
    ),
    "durbin2012": Paper(
        "book", "Durbin, J. and Koopman, S. J.", "Time Series Analysis by State Space Methods", "Oxford University Press", 2012,
        (("edition", "2"),),
    ),
    "hurst1951": _article(
        "Hurst, H. E.", "Long-Term Storage Capacity of Reservoirs", "Transactions of the American Society of Civil Engineers",
        1951, "116", "770-799",
    ),
    "whittle1953": _article(
        "Whittle, P.", "Estimation and information in stationary time series", "Arkiv f{\\\"o}r Matematik", 1953, "2", "423-434"
    ),
    "paxson1997": _article(
        "Paxson, V.", "Fast, approximate synthesis of fractional Gaussian noise for generating self-similar network traffic",
        "ACM SIGCOMM Computer Communication Review", 1997, "27", "5-18",
    ),
    "dahlhaus1989": _article(
        "Dahlhaus, R.", "Efficient Parameter Estimation for Self-Similar Processes", "The Annals of Statistics", 1989, "17",
        "1749-1766",
    ),
    "hosking1981": _article("Hosking, J. R. M.", "Fractional differencing", "Biometrika", 1981, "68", "165-176"),
    "istas1997": _article(
        "Istas, J. and Lang, G.", "Quadratic variations and estimation of the local H{\\\"o}lder index of a Gaussian process",
        "Annales de l'Institut Henri Poincar{\\'e} B", 1997, "33", "407-436",
    ),
    "coeurjolly2001": _article(
        "Coeurjolly, J.-F.",
        "Estimating the Parameters of a Fractional Brownian Motion by Discrete Variations of its Sample Paths",
        "Statistical Inference for Stochastic Processes", 2001, "4", "199-227",
    ),
    "peng1994": _article(
        "Peng, C.-K. and Buldyrev, S. V. and Havlin, S. and Simons, M. and Stanley, H. E. and Goldberger, A. L.",
        "Mosaic organization of DNA nucleotides", "Physical Review E", 1994, "49", "1685-1689",
    ),
    "anis1976": _article(
        "Anis, A. A. and Lloyd, E. H.", "The expected value of the adjusted rescaled Hurst range of independent normal summands",
        "Biometrika", 1976, "63", "111-116",
    ),
    "taqqu1995": _article(
        "Taqqu, M. S. and Teverovsky, V. and Willinger, W.", "Estimators for long-range dependence: an empirical study",
        "Fractals", 1995, "3", "785-798",
    ),
    "gatheral2018": _article(
        "Gatheral, J. and Jaisson, T. and Rosenbaum, M.", "Volatility is rough", "Quantitative Finance", 2018, "18", "933-949"
    ),
    "kidger2021": Paper(
        "phdthesis", "Kidger, P.", "On Neural Differential Equations", "University of Oxford", 2021
    ),
    "kidgergarcia2021": _article(
        "Kidger, P. and Garcia, C.", "Equinox: neural networks in JAX via callable PyTrees and filtered transformations",
        "Differentiable Programming workshop at NeurIPS", 2021,
    ),
}  # fmt: skip

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
    "Heun": ("kloeden1992", "kidger2021"),
    "ItoMilstein": ("milstein1975", "kidger2021"),
    "StratonovichMilstein": ("milstein1975", "kidger2021"),
    "SRA1": ("rossler2010", "kidger2021"),
    "ShARK": ("foster2024", "kidger2021"),
    "GeneralShARK": ("foster2024", "kidger2021"),
    "SPaRK": ("foster2024", "kidger2021"),
    "SlowRK": ("foster2024", "kidger2021"),
    "Brownian": ("salmon2011",),
    "ExactMLE": ("dahlhaus1989",),
    "Whittle": ("whittle1953", "paxson1997"),
    "ARFIMA": ("hosking1981",),
    "FGN": ("mandelbrot1968",),
    "FOU": ("cheridito2003",),
    "Variations": ("istas1997", "coeurjolly2001"),
    "DFA": ("peng1994",),
    "RescaledRange": ("hurst1951", "anis1976", "taqqu1995"),
    "StructureFunctions": ("gatheral2018",),
    "nile": ("cobb1978", "durbin2012"),
    "nile_minima": ("hurst1951",),
    "diffrax": ("kidger2021",),
    "equinox": ("kidgergarcia2021",),
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

    - `thing`: a model, an objective, a path (its solver and noise count), a class, or the name of a process, a solver, a data
      set, an experiment's paper or a key of `PAPERS`.

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
