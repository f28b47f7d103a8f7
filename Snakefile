"""The entry. Everything is in workflow/Snakefile, where catalogues and modules look for it."""


include: "workflow/Snakefile"


internals.set_default(workflow, "all")
