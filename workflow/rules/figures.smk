# One rule per figure, from its declaration in autoscore/figures: plot_bias draws bias.py.

SHOWN = ("png", "gif")  # what snakemake --report shows of each


def figure_output(name, figure, kind):
    """Return the name of a figure's file, marked for Snakemake's own report if that shows it."""
    file = f"figures/{stem(name)}.{kind}"
    if kind not in SHOWN:
        return file
    labels = {"figure": name} | ({"density": "{density}"} if figure.per_density else {})
    return report(file, caption="../report/caption.rst", category=figure.section, labels=labels)


for name, figure in FIGURES.items():
    if isinstance(figure.scope, OfImages) and not IMAGES:
        continue

    rule:
        name:
            f"plot_{name}"
        input:
            **figure.inputs(config),
        output:
            **{kind: figure_output(name, figure, kind) for kind in figure.formats},
        localrule: True
        params:
            figure=name,
            caption=figure.caption,
            settings=figure_settings(name),
        script:
            "../scripts/figures.py"


rule contact_sheet:
    input:
        **paper_pictures(config),
    output:
        CONTACT_SHEET,
    localrule: True
    params:
        words=paper_words(),
    script:
        "../scripts/contact_sheet.py"
