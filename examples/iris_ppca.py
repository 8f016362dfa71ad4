"""Probabilistic PCA of iris with a fifth of the measurements lost: components, and the lost values imputed."""

import numpy as np

import emkit


def main() -> None:
    iris = emkit.datasets.iris()
    lost = np.random.default_rng(1).random(iris.data.shape) < 0.2
    x = emkit.Incomplete(np.where(lost, np.nan, iris.data))  # 150 flowers, cm

    fit = emkit.fit(emkit.ProbabilisticPCA.start(x, 2), x)
    print(fit)
    model = fit.model
    print(f"noise           {np.sqrt(model.noise):.3f} cm")

    whole = emkit.fit(emkit.ProbabilisticPCA.start(iris.data, 2), iris.data).model
    angle = np.linalg.svd(np.linalg.qr(model.loadings)[0].T @ np.linalg.qr(whole.loadings)[0], compute_uv=False)
    print(f"plane           {np.degrees(np.arccos(angle.min())):.1f} degrees from that of the whole data")

    by_mean = np.nanmean(x.data, axis=0)
    for name, error in (
        ("column means", (by_mean - iris.data)[lost]),
        ("imputed", (model.impute(x) - iris.data)[lost]),
    ):
        print(f"{name:<16}{np.sqrt(np.mean(error**2)):.3f} cm from the {lost.sum()} lost values, root mean square")

    scores = model.transform(x)  # (150, 2)
    for species, name in enumerate(iris.label_names):
        print(f"{name:<16}scores {np.round(scores[iris.labels == species].mean(axis=0), 2)} on average")


if __name__ == "__main__":
    main()
