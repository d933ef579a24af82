"""The bibliography of what is learned: latent models, networks, gradients, scores."""

from ._paper import Paper, article, proceedings


__all__ = ["LEARNING"]

LEARNING: dict[str, Paper] = {
    "li2020": proceedings(
        "Li, X. and Wong, T.-K. L. and Chen, R. T. Q. and Duvenaud, D.",
        "Scalable Gradients for Stochastic Differential Equations",
        "International Conference on Artificial Intelligence and Statistics", 2020,
    ),
    "bartosh2025": proceedings(
        "Bartosh, G. and Vetrov, D. and Naesseth, C. A.",
        "SDE Matching: Scalable and Simulation-Free Training of Latent Stochastic Differential Equations",
        "International Conference on Machine Learning", 2025,
    ),
    "course2023": proceedings(
        "Course, K. and Nair, P. B.",
        "Amortized Reparametrization: Efficient and Scalable Variational Inference for Latent SDEs",
        "Advances in Neural Information Processing Systems", 2023,
    ),
    "kidgergan2021": proceedings(
        "Kidger, P. and Foster, J. and Li, X. and Lyons, T.", "Neural SDEs as Infinite-Dimensional GANs",
        "International Conference on Machine Learning", 2021,
    ),
    "arjovsky2017": proceedings(
        "Arjovsky, M. and Chintala, S. and Bottou, L.", "Wasserstein Generative Adversarial Networks",
        "International Conference on Machine Learning", 2017,
    ),
    "mao2017": proceedings(
        "Mao, X. and Li, Q. and Xie, H. and Lau, R. Y. K. and Wang, Z. and Smolley, S. P.",
        "Least Squares Generative Adversarial Networks",
        "IEEE International Conference on Computer Vision", 2017,
    ),
    "heusel2017": proceedings(
        "Heusel, M. and Ramsauer, H. and Unterthiner, T. and Nessler, B. and Hochreiter, S.",
        "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
        "Advances in Neural Information Processing Systems", 2017,
    ),
    "yazici2019": proceedings(
        "Yazici, Y. and Foo, C.-S. and Winkler, S. and Yap, K.-H. and Piliouras, G. and Chandrasekhar, V.",
        "The Unusual Effectiveness of Averaging in GAN Training",
        "International Conference on Learning Representations", 2019,
    ),
    "issa2023": proceedings(
        "Issa, Z. and Horvath, B. and Lemercier, M. and Salvi, C.",
        "Non-adversarial Training of Neural SDEs with Signature Kernel Scores",
        "Advances in Neural Information Processing Systems", 2023,
    ),
    "salvi2021": article(
        "Salvi, C. and Cass, T. and Foster, J. and Lyons, T. and Yang, W.",
        "The Signature Kernel Is the Solution of a Goursat PDE", "SIAM Journal on Mathematics of Data Science", 2021, "3",
        "873-899",
    ),
    "zhang2025": proceedings(
        "Zhang, J. and Viktorov, J. and Jung, D. and Pitler, E.",
        "Efficient Training of Neural Stochastic Differential Equations by Matching Finite Dimensional Distributions",
        "International Conference on Learning Representations", 2025,
    ),
    "mohamed2020": article(
        "Mohamed, S. and Rosca, M. and Figurnov, M. and Mnih, A.", "Monte Carlo Gradient Estimation in Machine Learning",
        "Journal of Machine Learning Research", 2020, "21", "1-62",
    ),
    "williams1992": article(
        "Williams, R. J.", "Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning",
        "Machine Learning", 1992, "8", "229-256",
    ),
    "kool2019": proceedings(
        "Kool, W. and van Hoof, H. and Welling, M.", "Buy 4 REINFORCE Samples, Get a Baseline for Free!",
        "Deep RL Meets Structured Prediction workshop at ICLR", 2019,
    ),
    "jang2017": proceedings(
        "Jang, E. and Gu, S. and Poole, B.", "Categorical Reparameterization with Gumbel-Softmax",
        "International Conference on Learning Representations", 2017,
    ),
    "bengio2013": article(
        "Bengio, Y. and L{\\'e}onard, N. and Courville, A.",
        "Estimating or Propagating Gradients Through Stochastic Neurons for Conditional Computation", "arXiv:1308.3432", 2013,
    ),
    "burda2016": proceedings(
        "Burda, Y. and Grosse, R. and Salakhutdinov, R.", "Importance Weighted Autoencoders",
        "International Conference on Learning Representations", 2016,
    ),
    "che2018": article(
        "Che, Z. and Purushotham, S. and Cho, K. and Sontag, D. and Liu, Y.",
        "Recurrent Neural Networks for Multivariate Time Series with Missing Values", "Scientific Reports", 2018, "8", "6085",
    ),
    "vaswani2017": proceedings(
        "Vaswani, A. and Shazeer, N. and Parmar, N. and Uszkoreit, J. and Jones, L. and Gomez, A. N. and Kaiser, L. and"
        " Polosukhin, I.", "Attention Is All You Need", "Advances in Neural Information Processing Systems", 2017,
    ),
    "chen2019": proceedings(
        "Chen, R. T. Q. and Behrmann, J. and Duvenaud, D. and Jacobsen, J.-H.",
        "Residual Flows for Invertible Generative Modeling", "Advances in Neural Information Processing Systems", 2019,
    ),
    "denton2018": proceedings(
        "Denton, E. and Fergus, R.", "Stochastic Video Generation with a Learned Prior",
        "International Conference on Machine Learning", 2018,
    ),
    "chen2018": proceedings(
        "Chen, R. T. Q. and Rubanova, Y. and Bettencourt, J. and Duvenaud, D.", "Neural Ordinary Differential Equations",
        "Advances in Neural Information Processing Systems", 2018,
    ),
    "kidger2020": proceedings(
        "Kidger, P. and Morrill, J. and Foster, J. and Lyons, T.",
        "Neural Controlled Differential Equations for Irregular Time Series",
        "Advances in Neural Information Processing Systems", 2020,
    ),
    "morrill2021": proceedings(
        "Morrill, J. and Salvi, C. and Kidger, P. and Foster, J.", "Neural Rough Differential Equations for Long Time Series",
        "International Conference on Machine Learning", 2021,
    ),
    "morrill2021online": article(
        "Morrill, J. and Kidger, P. and Yang, L. and Lyons, T.",
        "Neural Controlled Differential Equations for Online Prediction Tasks", "arXiv:2106.11028", 2021,
    ),
    "rackauckas2020": article(
        "Rackauckas, C. and Ma, Y. and Martensen, J. and Warner, C. and Zubov, K. and Supekar, R. and Skinner, D. and"
        " Ramadhan, A. and Edelman, A.", "Universal Differential Equations for Scientific Machine Learning",
        "arXiv:2001.04385", 2020,
    ),
    "brunton2016": article(
        "Brunton, S. L. and Proctor, J. L. and Kutz, J. N.",
        "Discovering governing equations from data by sparse identification of nonlinear dynamical systems",
        "Proceedings of the National Academy of Sciences", 2016, "113", "3932-3937",
    ),
    "boninsegna2018": article(
        "Boninsegna, L. and N{\\\"u}ske, F. and Clementi, C.", "Sparse learning of stochastic dynamical equations",
        "The Journal of Chemical Physics", 2018, "148", "241723",
    ),
    "bai2019": proceedings(
        "Bai, S. and Kolter, J. Z. and Koltun, V.", "Deep Equilibrium Models",
        "Advances in Neural Information Processing Systems", 2019,
    ),
    "elghaoui2021": article(
        "El Ghaoui, L. and Gu, F. and Travacca, B. and Askari, A. and Tsai, A.", "Implicit Deep Learning",
        "SIAM Journal on Mathematics of Data Science", 2021, "3", "930-958",
    ),
    "lecun1998": article(
        "LeCun, Y. and Bottou, L. and Bengio, Y. and Haffner, P.",
        "Gradient-based learning applied to document recognition", "Proceedings of the IEEE", 1998, "86", "2278-2324",
    ),
    "albergo2023": Paper(
        "article", "Albergo, M. S. and Boffi, N. M. and Vanden-Eijnden, E.",
        "Stochastic Interpolants: A Unifying Framework for Flows and Diffusions", "arXiv:2303.08797", 2023,
    ),
    "li2025": proceedings(
        "Li, A. and Liu, W. and Peng, Y. and others",
        "MaRS: A Fast Sampler for Mean Reverting Diffusion based on ODE and SDE Solvers",
        "International Conference on Learning Representations", 2025,
    ),
    "wang2023": Paper(
        "article", "Wang, B. and Vastola, J. J.", "Diffusion Models Generate Images Like Painters", "arXiv:2303.02490", 2023,
    ),
    "karras2022": proceedings(
        "Karras, T. and Aittala, M. and Aila, T. and Laine, S.",
        "Elucidating the Design Space of Diffusion-Based Generative Models",
        "Advances in Neural Information Processing Systems", 2022,
    ),
    "ho2022": Paper(
        "article", "Ho, J. and Salimans, T.", "Classifier-Free Diffusion Guidance", "arXiv:2207.12598", 2022
    ),
    "hutchinson1990": article(
        "Hutchinson, M. F.", "A stochastic estimator of the trace of the influence matrix for Laplacian smoothing splines",
        "Communications in Statistics: Simulation and Computation", 1990, "19", "433-450",
    ),
    "berghaus2024": proceedings(
        "Berghaus, D. and Cvejoski, K. and Seifner, P. and Ojeda, C. and Sanchez, R. J.",
        "Foundation Inference Models for Markov Jump Processes", "Advances in Neural Information Processing Systems", 2024,
    ),
    "torre2025": proceedings(
        "Torre, E. and Viscione, M. and Pompe, L. and Grewe, B. F. and Mante, V.",
        "Mechanistic Interpretability of RNNs emulating Hidden Markov Models",
        "Advances in Neural Information Processing Systems", 2025,
    ),
    "papamakarios2016": proceedings(
        "Papamakarios, G. and Murray, I.",
        "Fast epsilon-free Inference of Simulation Models with Bayesian Conditional Density Estimation",
        "Advances in Neural Information Processing Systems", 2016,
    ),
    "maron2019": proceedings(
        "Maron, H. and Ben-Hamu, H. and Shamir, N. and Lipman, Y.", "Invariant and Equivariant Graph Networks",
        "International Conference on Learning Representations", 2019,
    ),
    "seifner2023": proceedings(
        "Seifner, P. and Sanchez, R. J.", "Neural Markov Jump Processes", "International Conference on Machine Learning", 2023,
    ),
    "shen2025": proceedings(
        "Shen, Y. and Berlinghieri, R. and Broderick, T.",
        "Multi-marginal Schr{\\\"o}dinger Bridges with Iterative Reference Refinement",
        "International Conference on Artificial Intelligence and Statistics", 2025,
    ),
    "bunne2023": proceedings(
        "Bunne, C. and Hsieh, Y.-P. and Cuturi, M. and Krause, A.",
        "The Schr{\\\"o}dinger Bridge between Gaussian Measures has a Closed Form",
        "International Conference on Artificial Intelligence and Statistics", 2023,
    ),
    "tong2024": proceedings(
        "Tong, A. and Malkin, N. and Fatras, K. and Atanackovic, L. and Zhang, Y. and Huguet, G. and Wolf, G. and "
        "Bengio, Y.",
        "Simulation-Free Schr{\\\"o}dinger Bridges via Score and Flow Matching",
        "International Conference on Artificial Intelligence and Statistics", 2024,
    ),
    "debortoli2021": proceedings(
        "De Bortoli, V. and Thornton, J. and Heng, J. and Doucet, A.",
        "Diffusion Schr{\\\"o}dinger Bridge with Applications to Score-Based Generative Modeling",
        "Advances in Neural Information Processing Systems", 2021,
    ),
    "hong2025": proceedings(
        "Hong, W. and Shi, Y. and Niles-Weed, J.",
        "Trajectory Inference with Smooth Schr{\\\"o}dinger Bridges",
        "International Conference on Machine Learning", 2025,
    ),
    "shi2023": proceedings(
        "Shi, Y. and De Bortoli, V. and Campbell, A. and Doucet, A.", "Diffusion Schr{\\\"o}dinger Bridge Matching",
        "Advances in Neural Information Processing Systems", 2023,
    ),
    "korotin2024": proceedings(
        "Korotin, A. and Gushchin, N. and Burnaev, E.", "Light Schr{\\\"o}dinger Bridge",
        "International Conference on Learning Representations", 2024,
    ),
    "gushchin2023": proceedings(
        "Gushchin, N. and Kolesov, A. and Mokrov, P. and Karpikova, P. and Spiridonov, A. and Burnaev, E. and Korotin, A.",
        "Building the Bridge of Schr{\\\"o}dinger: A Continuous Entropic Optimal Transport Benchmark",
        "Advances in Neural Information Processing Systems", 2023,
    ),
    "leonard2014": article(
        "L{\\'e}onard, C.",
        "A survey of the Schr{\\\"o}dinger problem and some of its connections with optimal transport",
        "Discrete and Continuous Dynamical Systems", 2014, "34", "1533-1574",
    ),
    "pooladian2024": article(
        "Pooladian, A.-A. and Niles-Weed, J.", "Plug-in estimation of Schr{\\\"o}dinger bridges", "arXiv:2408.11686", 2024,
    ),
    "cuturi2013": proceedings(
        "Cuturi, M.", "Sinkhorn Distances: Lightspeed Computation of Optimal Transport",
        "Advances in Neural Information Processing Systems", 2013,
    ),
    "schmitzer2019": article(
        "Schmitzer, B.", "Stabilized Sparse Scaling Algorithms for Entropy Regularized Transport Problems",
        "SIAM Journal on Scientific Computing", 2019, "41", "A1443-A1481",
    ),
    "shetty2025": article(
        "Shetty, N. and Prasath, M. and Seelamantula, C. S.",
        "Dale meets Langevin: A Multiplicative Denoising Diffusion Model", "arXiv preprint arXiv:2510.02730", 2025,
    ),
    "horvat2024": proceedings(
        "Horvat, C. and Pfister, J.-P.",
        "On gauge freedom, conservativity and intrinsic dimensionality estimation in diffusion models",
        "International Conference on Learning Representations", 2024,
    ),
}  # fmt: skip
