"""The bibliography."""

from typing import NamedTuple


__all__ = ["PAPERS", "Paper"]


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
        place = {
            "article": "journal",
            "book": "publisher",
            "phdthesis": "school",
            "inproceedings": "booktitle",
            "techreport": "institution",
        }
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


def _proceedings(authors: str, title: str, where: str, year: int) -> Paper:
    return Paper("inproceedings", authors, title, where, year)


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
    "marinucci1999": _article(
        "Marinucci, D. and Robinson, P. M.", "Alternative forms of fractional Brownian motion",
        "Journal of Statistical Planning and Inference", 1999, "80", "111-122",
    ),
    "bennedsen2017": _article(
        "Bennedsen, M. and Lunde, A. and Pakkanen, M. S.", "Hybrid scheme for Brownian semistationary processes",
        "Finance and Stochastics", 2017, "21", "931-965",
    ),
    "peltier1995": _article(
        "Peltier, R.-F. and L{\\'e}vy V{\\'e}hel, J.", "Multifractional Brownian Motion: Definition and Preliminary Results",
        "INRIA Research Report", 1995, "2645",
    ),
    "istas1997": _article(
        "Istas, J. and Lang, G.", "Quadratic variations and estimation of the local H{\\\"o}lder index of a Gaussian process",
        "Annales de l'Institut Henri Poincar{\\'e}, Probabilit{\\'e}s et Statistiques", 1997, "33", "407-436",
    ),
    "hosking1984": _article(
        "Hosking, J. R. M.", "Modeling persistence in hydrological time series using fractional differencing",
        "Water Resources Research", 1984, "20", "1898-1908",
    ),
    "gasbarra2007": _article(
        "Gasbarra, D. and Sottinen, T. and Valkeila, E.", "Gaussian bridges", "Stochastic Analysis and Applications, Abel Symposia",
        2007, "2", "361-382",
    ),
    "deya2012": _article(
        "Deya, A. and Neuenkirch, A. and Tindel, S.",
        "A Milstein-type scheme without L{\\'e}vy area terms for SDEs driven by fractional Brownian motion",
        "Annales de l'Institut Henri Poincar{\\'e}, Probabilit{\\'e}s et Statistiques", 2012, "48", "518-550",
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
    "daems2024": Paper(
        "inproceedings", "Daems, R. and Opper, M. and Crevecoeur, G. and Birdal, T.",
        "Variational Inference for SDEs Driven by Fractional Noise", "International Conference on Learning Representations", 2024,
    ),
    "nobis2024": Paper(
        "inproceedings",
        "Nobis, G. and Springenberg, M. and Aversa, M. and Detzel, M. and Daems, R. and Murray-Smith, R. and Nakajima, S. and "
        "Lapuschkin, S. and Ermon, S. and Birdal, T. and Opper, M. and Knochenhauer, C. and Oala, L. and Samek, W.",
        "Generative Fractional Diffusion Models", "Advances in Neural Information Processing Systems", 2024,
    ),
    "nobis2025": Paper(
        "inproceedings",
        "Nobis, G. and Springenberg, M. and Belova, A. and Daems, R. and Knochenhauer, C. and Opper, M. and Birdal, T. and "
        "Samek, W.",
        "Fractional Diffusion Bridge Models", "Advances in Neural Information Processing Systems", 2025,
    ),
    "song2021": Paper(
        "inproceedings", "Song, Y. and Sohl-Dickstein, J. and Kingma, D. P. and Kumar, A. and Ermon, S. and Poole, B.",
        "Score-Based Generative Modeling through Stochastic Differential Equations",
        "International Conference on Learning Representations", 2021,
    ),
    "ho2020": Paper(
        "inproceedings", "Ho, J. and Jain, A. and Abbeel, P.", "Denoising Diffusion Probabilistic Models",
        "Advances in Neural Information Processing Systems", 2020,
    ),
    "anderson1982": _article(
        "Anderson, B. D. O.", "Reverse-time diffusion equation models", "Stochastic Processes and their Applications", 1982, "12",
        "313-326",
    ),
    "harms2019": _article(
        "Harms, P. and Stefanovits, D.", "Affine representations of fractional processes with applications in mathematical finance",
        "Stochastic Processes and their Applications", 2019, "129", "1185-1228",
    ),
    "bayer2023": _article(
        "Bayer, C. and Breneis, S.", "Markovian approximations of stochastic Volterra equations with the fractional kernel",
        "Quantitative Finance", 2023, "23", "53-70",
    ),
    "bayer2016": _article(
        "Bayer, C. and Friz, P. and Gatheral, J.", "Pricing under rough volatility", "Quantitative Finance", 2016, "16", "887-904"
    ),
    "eleuch2019": _article(
        "El Euch, O. and Rosenbaum, M.", "The characteristic function of rough Heston models", "Mathematical Finance", 2019,
        "29", "3-38",
    ),
    "abijaber2019": _article(
        "Abi Jaber, E. and El Euch, O.", "Multifactor Approximation of Rough Volatility Models",
        "SIAM Journal on Financial Mathematics", 2019, "10", "309-349",
    ),
    "barndorff2009": Paper(
        "inproceedings", "Barndorff-Nielsen, O. E. and Schmiegel, J.",
        "Brownian semistationary processes and volatility/intermittency", "Advanced Financial Modelling", 2009,
    ),
    "tong2022": Paper(
        "inproceedings", "Tong, A. and Nguyen-Tang, T. and Tran, T. and Choi, J.",
        "Learning Fractional White Noises in Neural Stochastic Differential Equations",
        "Advances in Neural Information Processing Systems", 2022,
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
    "li2020": _proceedings(
        "Li, X. and Wong, T.-K. L. and Chen, R. T. Q. and Duvenaud, D.",
        "Scalable Gradients for Stochastic Differential Equations",
        "International Conference on Artificial Intelligence and Statistics", 2020,
    ),
    "burda2016": _proceedings(
        "Burda, Y. and Grosse, R. and Salakhutdinov, R.", "Importance Weighted Autoencoders",
        "International Conference on Learning Representations", 2016,
    ),
    "che2018": _article(
        "Che, Z. and Purushotham, S. and Cho, K. and Sontag, D. and Liu, Y.",
        "Recurrent Neural Networks for Multivariate Time Series with Missing Values", "Scientific Reports", 2018, "8", "6085",
    ),
    "vaswani2017": _proceedings(
        "Vaswani, A. and Shazeer, N. and Parmar, N. and Uszkoreit, J. and Jones, L. and Gomez, A. N. and Kaiser, L. and"
        " Polosukhin, I.", "Attention Is All You Need", "Advances in Neural Information Processing Systems", 2017,
    ),
    "chen2019": _proceedings(
        "Chen, R. T. Q. and Behrmann, J. and Duvenaud, D. and Jacobsen, J.-H.",
        "Residual Flows for Invertible Generative Modeling", "Advances in Neural Information Processing Systems", 2019,
    ),
    "denton2018": _proceedings(
        "Denton, E. and Fergus, R.", "Stochastic Video Generation with a Learned Prior",
        "International Conference on Machine Learning", 2018,
    ),
    "lecun1998": _article(
        "LeCun, Y. and Bottou, L. and Bengio, Y. and Haffner, P.",
        "Gradient-based learning applied to document recognition", "Proceedings of the IEEE", 1998, "86", "2278-2324",
    ),
}  # fmt: skip
