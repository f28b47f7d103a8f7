# One rule per figure, from its declaration in autoscore/figures: plot_bias draws bias.py.

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
