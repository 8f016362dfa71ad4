"""How well do five anaesthetists judge, when nobody knows the truth? The example of Dawid and Skene (1979).

Run with `python examples/annotators.py`.
"""

import numpy as np

import emkit


def main() -> None:
    patient, observer, grade = emkit.datasets.anaesthetists().data.T - 1  # numbered from 0
    answers = emkit.Answers(patient, observer, grade)

    fit = emkit.fit(emkit.DawidSkene.start(answers), answers, tol=1e-12)
    print(fit)
    print(f"prevalence      {np.round(fit.model.prevalence, 2)}")

    print("\nhow often each observer names the true class")
    print("observer   class 1   class 2   class 3   class 4")
    for j, confusion in enumerate(fit.model.confusion):
        print(f"{j + 1:8d}" + "".join(f"{right:10.2f}" for right in np.diag(confusion)))

    votes = answers.votes(4)  # (45, 4)
    posterior = fit.model.posterior(answers)
    print("\npatients whose most probable class is not the one with most votes")
    for n in np.flatnonzero(fit.model.predict(answers) != votes.argmax(axis=1)):
        cast = " ".join(f"{vote:.0f}" for vote in votes[n])
        print(f"patient {n + 1:2d}: votes {cast}, posterior {np.round(posterior[n], 3)}")

    prior = emkit.DirichletRows.diagonal(4, same=3.0, other=1.5)  # everybody errs at times
    cautious = emkit.fit(emkit.DawidSkene.start(answers, confusion_prior=prior), answers, tol=1e-12)
    gained = np.abs(cautious.model.posterior(answers) - posterior).max(axis=1)
    print(f"\nwith a prior on errors, {(gained > 0.1).sum()} of 45 posteriors change by more than 0.1")


if __name__ == "__main__":
    main()
