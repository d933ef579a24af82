"""The bibliography of point processes."""

from ._paper import Paper, article, proceedings


__all__ = ["POINTS"]

POINTS: dict[str, Paper] = {
    "hawkes1971": article(
        "Hawkes, A. G.", "Spectra of some self-exciting and mutually exciting point processes", "Biometrika", 1971, "58", "83-90"
    ),
    "hawkes1974": article(
        "Hawkes, A. G. and Oakes, D.", "A cluster process representation of a self-exciting process",
        "Journal of Applied Probability", 1974, "11", "493-503",
    ),
    "ozaki1979": article(
        "Ozaki, T.", "Maximum likelihood estimation of Hawkes' self-exciting point processes",
        "Annals of the Institute of Statistical Mathematics", 1979, "31", "145-155",
    ),
    "dassios2013": article(
        "Dassios, A. and Zhao, H.", "Exact simulation of Hawkes process with exponentially decaying intensity",
        "Electronic Communications in Probability", 2013, "18", "1-13",
    ),
    "ogata1981": article(
        "Ogata, Y.", "On Lewis' simulation method for point processes", "IEEE Transactions on Information Theory", 1981,
        "27", "23-31",
    ),
    "ogata1988": article(
        "Ogata, Y.", "Statistical models for earthquake occurrences and residual analysis for point processes",
        "Journal of the American Statistical Association", 1988, "83", "9-27",
    ),
    "isham1979": article(
        "Isham, V. and Westcott, M.", "A self-correcting point process", "Stochastic Processes and their Applications",
        1979, "8", "335-347",
    ),
    "lewis1979": article(
        "Lewis, P. A. W. and Shedler, G. S.", "Simulation of nonhomogeneous Poisson processes by thinning",
        "Naval Research Logistics Quarterly", 1979, "26", "403-413",
    ),
    "bremaud1996": article(
        "Bremaud, P. and Massoulie, L.", "Stability of nonlinear Hawkes processes", "The Annals of Probability", 1996,
        "24", "1563-1588",
    ),
    "brown2002": article(
        "Brown, E. N. and Barbieri, R. and Ventura, V. and Kass, R. E. and Frank, L. M.",
        "The time-rescaling theorem and its application to neural spike train data analysis", "Neural Computation", 2002,
        "14", "325-346",
    ),
    "shchur2020": proceedings(
        "Shchur, O. and Gao, N. and Bilos, M. and Guennemann, S.",
        "Fast and flexible temporal point processes with triangular maps", "Advances in Neural Information Processing Systems",
        2020,
    ),
    "mei2019": proceedings(
        "Mei, H. and Qin, G. and Eisner, J.", "Imputing missing events in continuous-time event streams",
        "International Conference on Machine Learning", 2019,
    ),
    "karpukhin2024": article(
        "Karpukhin, I. and Shipilov, F. and Savchenko, A.",
        "HoTPP benchmark: are we good at the long horizon events forecasting?", "arXiv:2406.14341", 2024,
    ),
    "bosser2023": article(
        "Bosser, T. and Ben Taieb, S.", "On the predictive accuracy of neural temporal point process models",
        "Transactions on Machine Learning Research", 2023,
    ),
}  # fmt: skip
