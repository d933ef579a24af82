"""The bibliography of reaction networks."""

from ._paper import Paper, article


__all__ = ["REACTIONS"]

REACTIONS: dict[str, Paper] = {
    "gillespie1977": article(
        "Gillespie, D. T.", "Exact stochastic simulation of coupled chemical reactions",
        "The Journal of Physical Chemistry", 1977, "81", "2340-2361",
    ),
    "lewis1979": article(
        "Lewis, P. A. W. and Shedler, G. S.", "Simulation of nonhomogeneous Poisson processes by thinning",
        "Naval Research Logistics Quarterly", 1979, "26", "403-413",
    ),
    "hormann1993": article(
        "H{\\\"o}rmann, W.", "The transformed rejection method for generating Poisson random variables",
        "Insurance: Mathematics and Economics", 1993, "12", "39-45",
    ),
    "munsky2006": article(
        "Munsky, B. and Khammash, M.",
        "The finite state projection algorithm for the solution of the chemical master equation",
        "The Journal of Chemical Physics", 2006, "124", "044104",
    ),
    "jensen1953": article(
        "Jensen, A.", "Markoff chains as an aid in the study of Markoff processes", "Scandinavian Actuarial Journal", 1953,
        "1953", "87-91",
    ),
    "cao2005": article(
        "Cao, Y. and Gillespie, D. T. and Petzold, L. R.", "Avoiding negative populations in explicit Poisson tau-leaping",
        "The Journal of Chemical Physics", 2005, "123", "054104",
    ),
    "cao2006": article(
        "Cao, Y. and Gillespie, D. T. and Petzold, L. R.",
        "Efficient step size selection for the tau-leaping simulation method", "The Journal of Chemical Physics", 2006, "124",
        "044109",
    ),
    "gillespie2000": article(
        "Gillespie, D. T.", "The chemical Langevin equation", "The Journal of Chemical Physics", 2000, "113", "297-306"
    ),
    "jahnke2007": article(
        "Jahnke, T. and Huisinga, W.",
        "Solving the chemical master equation for monomolecular reaction systems analytically",
        "Journal of Mathematical Biology", 2007, "54", "1-26",
    ),
    "whittle1957": article(
        "Whittle, P.", "On the use of the normal approximation in the treatment of stochastic processes",
        "Journal of the Royal Statistical Society: Series B", 1957, "19", "268-281",
    ),
    "vankampen2007": Paper(
        "book", "van Kampen, N. G.", "Stochastic Processes in Physics and Chemistry", "Elsevier", 2007
    ),
    "komorowski2009": article(
        "Komorowski, M. and Finkenst{\\\"a}dt, B. and Harper, C. V. and Rand, D. A.",
        "Bayesian inference of biochemical kinetic parameters using the linear noise approximation", "BMC Bioinformatics",
        2009, "10", "343",
    ),
    "glynn1990": article(
        "Glynn, P. W.", "Likelihood ratio gradient estimation for stochastic systems", "Communications of the ACM", 1990,
        "33", "75-84",
    ),
    "plyasunov2007": article(
        "Plyasunov, S. and Arkin, A. P.", "Efficient stochastic sensitivity analysis of discrete event systems",
        "Journal of Computational Physics", 2007, "221", "724-738",
    ),
    "schlogl1972": article(
        "Schl{\\\"o}gl, F.", "Chemical reaction models for non-equilibrium phase transitions", "Zeitschrift f{\\\"u}r Physik",
        1972, "253", "147-161",
    ),
    "peccoud1995": article(
        "Peccoud, J. and Ycart, B.", "Markovian modeling of gene-product synthesis", "Theoretical Population Biology", 1995,
        "48", "222-234",
    ),
}  # fmt: skip
