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
    "du2016": proceedings(
        "Du, N. and Dai, H. and Trivedi, R. and Upadhyay, U. and Gomez-Rodriguez, M. and Song, L.",
        "Recurrent Marked Temporal Point Processes: Embedding Event History to Vector", "KDD", 2016,
    ),
    "mei2017": proceedings(
        "Mei, H. and Eisner, J.", "The Neural Hawkes Process: A Neurally Self-Modulating Multivariate Point Process",
        "Advances in Neural Information Processing Systems", 2017,
    ),
    "omi2019": proceedings(
        "Omi, T. and Ueda, N. and Aihara, K.",
        "Fully Neural Network based Model for General Temporal Point Processes",
        "Advances in Neural Information Processing Systems", 2019,
    ),
    "zuo2020": proceedings(
        "Zuo, S. and Jiang, H. and Li, Z. and Zhao, T. and Zha, H.", "Transformer Hawkes Process",
        "International Conference on Machine Learning", 2020,
    ),
    "zhang2020": proceedings(
        "Zhang, Q. and Lipani, A. and Kirnap, O. and Yilmaz, E.", "Self-Attentive Hawkes Process",
        "International Conference on Machine Learning", 2020,
    ),
    "fischer1993": article(
        "Fischer, W. and Meier-Hellstern, K.", "The Markov-modulated Poisson process (MMPP) cookbook",
        "Performance Evaluation", 1993, "18", "149-171",
    ),
    "yang2022": proceedings(
        "Yang, C. and Mei, H. and Eisner, J.", "Transformer Embeddings of Irregularly Spaced Events and Their Participants",
        "International Conference on Learning Representations", 2022,
    ),
    "waghmare2022": proceedings(
        "Waghmare, G. and Debnath, A. and Asthana, S. and Malhotra, A.",
        "Modeling Inter-Dependence Between Time and Mark in Multivariate Temporal Point Processes", "CIKM", 2022,
    ),
    "xue2024": proceedings(
        "Xue, S. and Shi, X. and Chu, Z. and Wang, Y. and Hao, H. and Zhou, F. and Jiang, C. and Pan, C. and Zhang, J. Y."
        " and Wen, Q. and Zhou, J. and Mei, H.", "EasyTPP: Towards Open Benchmarking Temporal Point Processes",
        "International Conference on Learning Representations", 2024,
    ),
    "durkan2019": proceedings(
        "Durkan, C. and Bekasov, A. and Murray, I. and Papamakarios, G.", "Neural Spline Flows",
        "Advances in Neural Information Processing Systems", 2019,
    ),
    "chang2025": proceedings(
        "Chang, Y. and Boyd, A. and Xiao, C. and Kass-Hout, T. and Bhatia, P. and Smyth, P. and Warrington, A.",
        "Deep Continuous-Time State-Space Models for Marked Event Sequences",
        "Advances in Neural Information Processing Systems", 2025,
    ),
}  # fmt: skip
