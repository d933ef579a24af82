"""The bibliography."""

from ._paper import Paper as Paper, article
from ._papers_learning import LEARNING
from ._papers_points import POINTS
from ._papers_reactions import REACTIONS


__all__ = ["PAPERS", "Paper"]

PAPERS: dict[str, Paper] = {
    "uhlenbeck1930": article(
        "Uhlenbeck, G. E. and Ornstein, L. S.", "On the Theory of the Brownian Motion", "Physical Review", 1930, "36", "823-841"
    ),
    "gillespie1996": article(
        "Gillespie, D. T.", "Exact numerical simulation of the Ornstein-Uhlenbeck process and its integral",
        "Physical Review E", 1996, "54", "2084-2091",
    ),
    "black1973": article(
        "Black, F. and Scholes, M.", "The Pricing of Options and Corporate Liabilities", "Journal of Political Economy",
        1973, "81", "637-654",
    ),
    "cox1985": article(
        "Cox, J. C. and Ingersoll, J. E. and Ross, S. A.", "A Theory of the Term Structure of Interest Rates", "Econometrica",
        1985, "53", "385-407",
    ),
    "heston1993": article(
        "Heston, S. L.", "A Closed-Form Solution for Options with Stochastic Volatility with Applications to Bond and Currency Options",
        "The Review of Financial Studies", 1993, "6", "327-343",
    ),
    "forman2008": article(
        "Forman, J. L. and S{\\o}rensen, M.", "The Pearson Diffusions: A Class of Statistically Tractable Diffusion Processes",
        "Scandinavian Journal of Statistics", 2008, "35", "438-465",
    ),
    "benes1981": article(
        "Bene{\\v{s}}, V. E.", "Exact finite-dimensional filters for certain diffusions with nonlinear drift", "Stochastics",
        1981, "5", "65-92",
    ),
    "lorenz1963": article(
        "Lorenz, E. N.", "Deterministic Nonperiodic Flow", "Journal of the Atmospheric Sciences", 1963, "20", "130-141"
    ),
    "volterra1926": article(
        "Volterra, V.", "Fluctuations in the Abundance of a Species considered Mathematically", "Nature", 1926, "118", "558-560"
    ),
    "revuz1999": Paper(
        "book", "Revuz, D. and Yor, M.", "Continuous Martingales and Brownian Motion", "Springer", 1999, (("edition", "3"),)
    ),
    "pavliotis2014": Paper("book", "Pavliotis, G. A.", "Stochastic Processes and Applications", "Springer", 2014),
    "mandelbrot1968": article(
        "Mandelbrot, B. B. and Van Ness, J. W.", "Fractional Brownian Motions, Fractional Noises and Applications", "SIAM Review",
        1968, "10", "422-437",
    ),
    "cheridito2003": article(
        "Cheridito, P. and Kawaguchi, H. and Maejima, M.", "Fractional Ornstein-Uhlenbeck processes",
        "Electronic Journal of Probability", 2003, "8",
    ),
    "davies1987": article(
        "Davies, R. B. and Harte, D. S.", "Tests for Hurst effect", "Biometrika", 1987, "74", "95-101"
    ),
    "wood1994": article(
        "Wood, A. T. A. and Chan, G.", "Simulation of Stationary Gaussian Processes in [0, 1]^d",
        "Journal of Computational and Graphical Statistics", 1994, "3", "409-432",
    ),
    "marinucci1999": article(
        "Marinucci, D. and Robinson, P. M.", "Alternative forms of fractional Brownian motion",
        "Journal of Statistical Planning and Inference", 1999, "80", "111-122",
    ),
    "bennedsen2017": article(
        "Bennedsen, M. and Lunde, A. and Pakkanen, M. S.", "Hybrid scheme for Brownian semistationary processes",
        "Finance and Stochastics", 2017, "21", "931-965",
    ),
    "peltier1995": article(
        "Peltier, R.-F. and L{\\'e}vy V{\\'e}hel, J.", "Multifractional Brownian Motion: Definition and Preliminary Results",
        "INRIA Research Report", 1995, "2645",
    ),
    "istas1997": article(
        "Istas, J. and Lang, G.", "Quadratic variations and estimation of the local H{\\\"o}lder index of a Gaussian process",
        "Annales de l'Institut Henri Poincar{\\'e}, Probabilit{\\'e}s et Statistiques", 1997, "33", "407-436",
    ),
    "hosking1984": article(
        "Hosking, J. R. M.", "Modeling persistence in hydrological time series using fractional differencing",
        "Water Resources Research", 1984, "20", "1898-1908",
    ),
    "gasbarra2007": article(
        "Gasbarra, D. and Sottinen, T. and Valkeila, E.", "Gaussian bridges", "Stochastic Analysis and Applications, Abel Symposia",
        2007, "2", "361-382",
    ),
    "deya2012": article(
        "Deya, A. and Neuenkirch, A. and Tindel, S.",
        "A Milstein-type scheme without L{\\'e}vy area terms for SDEs driven by fractional Brownian motion",
        "Annales de l'Institut Henri Poincar{\\'e}, Probabilit{\\'e}s et Statistiques", 2012, "48", "518-550",
    ),
    "rasmussen2006": Paper(
        "book", "Rasmussen, C. E. and Williams, C. K. I.", "Gaussian Processes for Machine Learning", "MIT Press", 2006
    ),
    "vanloan1978": article(
        "Van Loan, C. F.", "Computing integrals involving the matrix exponential", "IEEE Transactions on Automatic Control",
        1978, "23", "395-404",
    ),
    "kalman1960": article(
        "Kalman, R. E.", "A New Approach to Linear Filtering and Prediction Problems", "Journal of Basic Engineering", 1960,
        "82", "35-45",
    ),
    "sarkka2021": article(
        "S{\\\"a}rkk{\\\"a}, S. and Garc{\\'i}a-Fern{\\'a}ndez, {\\'A}. F.", "Temporal Parallelization of Bayesian Smoothers",
        "IEEE Transactions on Automatic Control", 2021, "66", "299-306",
    ),
    "girsanov1960": article(
        "Girsanov, I. V.",
        "On Transforming a Certain Class of Stochastic Processes by Absolutely Continuous Substitution of Measures",
        "Theory of Probability and its Applications", 1960, "5", "285-301",
    ),
    "maruyama1955": article(
        "Maruyama, G.", "Continuous Markov processes and stochastic equations",
        "Rendiconti del Circolo Matematico di Palermo", 1955, "4", "48-90",
    ),
    "milstein1975": article(
        "Mil'shtein, G. N.", "Approximate Integration of Stochastic Differential Equations",
        "Theory of Probability and its Applications", 1975, "19", "557-562",
    ),
    "kloeden1992": Paper(
        "book", "Kloeden, P. E. and Platen, E.", "Numerical Solution of Stochastic Differential Equations", "Springer", 1992
    ),
    "rossler2010": article(
        "R{\\\"o}{\\ss}ler, A.", "Runge-Kutta Methods for the Strong Approximation of Solutions of Stochastic Differential Equations",
        "SIAM Journal on Numerical Analysis", 2010, "48", "922-952",
    ),
    "foster2024": article(
        "Foster, J. M. and dos Reis, G. and Strange, C.",
        "High Order Splitting Methods for SDEs Satisfying a Commutativity Condition", "SIAM Journal on Numerical Analysis",
        2024, "62", "500-532",
    ),
    "salmon2011": Paper(
        "inproceedings", "Salmon, J. K. and Moraes, M. A. and Dror, R. O. and Shaw, D. E.",
        "Parallel random numbers: as easy as 1, 2, 3", "Proceedings of SC11", 2011,
    ),
    "gneiting2007": article(
        "Gneiting, T. and Raftery, A. E.", "Strictly Proper Scoring Rules, Prediction, and Estimation",
        "Journal of the American Statistical Association", 2007, "102", "359-378",
    ),
    "cobb1978": article(
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
    "anderson1982": article(
        "Anderson, B. D. O.", "Reverse-time diffusion equation models", "Stochastic Processes and their Applications", 1982, "12",
        "313-326",
    ),
    "harms2019": article(
        "Harms, P. and Stefanovits, D.", "Affine representations of fractional processes with applications in mathematical finance",
        "Stochastic Processes and their Applications", 2019, "129", "1185-1228",
    ),
    "bayer2023": article(
        "Bayer, C. and Breneis, S.", "Markovian approximations of stochastic Volterra equations with the fractional kernel",
        "Quantitative Finance", 2023, "23", "53-70",
    ),
    "bayer2016": article(
        "Bayer, C. and Friz, P. and Gatheral, J.", "Pricing under rough volatility", "Quantitative Finance", 2016, "16", "887-904"
    ),
    "eleuch2019": article(
        "El Euch, O. and Rosenbaum, M.", "The characteristic function of rough Heston models", "Mathematical Finance", 2019,
        "29", "3-38",
    ),
    "abijaber2019": article(
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
    "hurst1951": article(
        "Hurst, H. E.", "Long-Term Storage Capacity of Reservoirs", "Transactions of the American Society of Civil Engineers",
        1951, "116", "770-799",
    ),
    "whittle1953": article(
        "Whittle, P.", "Estimation and information in stationary time series", "Arkiv f{\\\"o}r Matematik", 1953, "2", "423-434"
    ),
    "paxson1997": article(
        "Paxson, V.", "Fast, approximate synthesis of fractional Gaussian noise for generating self-similar network traffic",
        "ACM SIGCOMM Computer Communication Review", 1997, "27", "5-18",
    ),
    "dahlhaus1989": article(
        "Dahlhaus, R.", "Efficient Parameter Estimation for Self-Similar Processes", "The Annals of Statistics", 1989, "17",
        "1749-1766",
    ),
    "hosking1981": article("Hosking, J. R. M.", "Fractional differencing", "Biometrika", 1981, "68", "165-176"),
    "coeurjolly2001": article(
        "Coeurjolly, J.-F.",
        "Estimating the Parameters of a Fractional Brownian Motion by Discrete Variations of its Sample Paths",
        "Statistical Inference for Stochastic Processes", 2001, "4", "199-227",
    ),
    "peng1994": article(
        "Peng, C.-K. and Buldyrev, S. V. and Havlin, S. and Simons, M. and Stanley, H. E. and Goldberger, A. L.",
        "Mosaic organization of DNA nucleotides", "Physical Review E", 1994, "49", "1685-1689",
    ),
    "anis1976": article(
        "Anis, A. A. and Lloyd, E. H.", "The expected value of the adjusted rescaled Hurst range of independent normal summands",
        "Biometrika", 1976, "63", "111-116",
    ),
    "taqqu1995": article(
        "Taqqu, M. S. and Teverovsky, V. and Willinger, W.", "Estimators for long-range dependence: an empirical study",
        "Fractals", 1995, "3", "785-798",
    ),
    "gatheral2018": article(
        "Gatheral, J. and Jaisson, T. and Rosenbaum, M.", "Volatility is rough", "Quantitative Finance", 2018, "18", "933-949"
    ),
    "kidger2021": Paper(
        "phdthesis", "Kidger, P.", "On Neural Differential Equations", "University of Oxford", 2021
    ),
    "kidgerfoster2021": article(
        "Kidger, P. and Foster, J. and Li, X. and Lyons, T.", "Efficient and Accurate Gradients for Neural SDEs",
        "Advances in Neural Information Processing Systems", 2021, "34",
    ),
    "shmelev2025": article(
        "Shmelev, D. and Salvi, C.", "Explicit and Effectively Symmetric Schemes for Neural SDEs", "arXiv:2509.20599", 2025
    ),
    "kidgergarcia2021": article(
        "Kidger, P. and Garcia, C.", "Equinox: neural networks in JAX via callable PyTrees and filtered transformations",
        "Differentiable Programming workshop at NeurIPS", 2021,
    ),
    "rabiner1989": article(
        "Rabiner, L. R.", "A tutorial on hidden Markov models and selected applications in speech recognition",
        "Proceedings of the IEEE", 1989, "77", "257-286",
    ),
    "viterbi1967": article(
        "Viterbi, A.", "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm",
        "IEEE Transactions on Information Theory", 1967, "13", "260-269",
    ),
    "kalbfleisch1985": article(
        "Kalbfleisch, J. D. and Lawless, J. F.", "The Analysis of Panel Data under a Markov Assumption",
        "Journal of the American Statistical Association", 1985, "80", "863-871",
    ),
    "bladt2005": article(
        "Bladt, M. and S{\\o}rensen, M.", "Statistical inference for discretely observed Markov jump processes",
        "Journal of the Royal Statistical Society: Series B", 2005, "67", "395-410",
    ),
    "hobolth2005": article(
        "Hobolth, A. and Jensen, J. L.", "Statistical Inference in Evolutionary Models of DNA Sequences via the EM Algorithm",
        "Statistical Applications in Genetics and Molecular Biology", 2005, "4", "18",
    ),
    "hobolth2009": article(
        "Hobolth, A. and Stone, E. A.",
        "Simulation from endpoint-conditioned, continuous-time Markov chains on a finite state space, with applications to molecular evolution",
        "The Annals of Applied Statistics", 2009, "3", "1204-1231",
    ),
    "rao2013": article(
        "Rao, V. and Teh, Y. W.", "Fast MCMC Sampling for Markov Jump Processes and Extensions",
        "Journal of Machine Learning Research", 2013, "14", "3295-3320",
    ),
    "opper2008": article(
        "Opper, M. and Sanguinetti, G.", "Variational inference for Markov jump processes",
        "Advances in Neural Information Processing Systems", 2008, "20",
    ),
    "schnakenberg1976": article(
        "Schnakenberg, J.", "Network theory of microscopic and macroscopic behavior of master equation systems",
        "Reviews of Modern Physics", 1976, "48", "571-585",
    ),
    "roldan2010": article(
        "Rold{\\'a}n, E. and Parrondo, J. M. R.", "Estimating Dissipation from Single Stationary Trajectories",
        "Physical Review Letters", 2010, "105", "150607",
    ),
    "lewis1979": article(
        "Lewis, P. A. W. and Shedler, G. S.", "Simulation of nonhomogeneous Poisson processes by thinning",
        "Naval Research Logistics Quarterly", 1979, "26", "403-413",
    ),
    "gladman1999": article(
        "Gladman, D. D. and Farewell, V. T.", "Progression in psoriatic arthritis: role of time varying clinical indicators",
        "Journal of Rheumatology", 1999, "26", "2409-2413",
    ),
    "siekmann2014": article(
        "Siekmann, I. and Sneyd, J. and Crampin, E. J.", "Statistical analysis of modal gating in ion channels",
        "Proceedings of the Royal Society A", 2014, "470", "20140030",
    ),
    "jackson2002": article(
        "Jackson, C. H. and Sharples, L. D.", "Hidden Markov models for the onset and progression of bronchiolitis obliterans syndrome in lung transplant recipients",
        "Statistics in Medicine", 2002, "21", "113-128",
    ),
    **LEARNING,
    **REACTIONS,
    **POINTS,
}  # fmt: skip
