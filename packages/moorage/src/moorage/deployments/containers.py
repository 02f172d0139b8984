"""Planning what runs in a container: a script or an image, and what of a configuration has no effect."""

from dataclasses import replace
from typing import TYPE_CHECKING

from moorage.deployments import no_code, no_code_image
from moorage.deployments.configurations import ContainerConfig
from moorage.deployments.imports import reachable
from moorage.deployments.inference import InferenceConfig
from moorage.deployments.plans import Plan
from moorage.deployments.problems import Problem, error, warning
from moorage.deployments.script import check_script
from moorage.deployments.source import check_files, find_source
from moorage.workspace import home_folder

if TYPE_CHECKING:
    from moorage.deployments.planning import Draft

# Stands where a script would be named; nothing of that name is looked for.
IMAGE_SCRIPT = "(image)"


def look(draft: "Draft", made: Plan, config: ContainerConfig, inference: InferenceConfig | None) -> Plan:
    """Plan a service in a container; its packages are looked up when its image is made."""
    for name, value in config.not_applicable.items():
        text = f"{value!r} is kept as a label: it means nothing where Moorage runs"
        draft.problems.append(Problem("note", name, text))
    if config.image is not None:
        return _look_at_image(draft, made, config, inference)
    if no_code.is_no_code(inference):
        return no_code_image.look(draft, made, inference)
    if inference is None or not (inference.environment or inference.conda_file or inference.base_image):
        text = "a container needs an environment: it takes nothing from the Python that deploys it"
        advice = "give the inference configuration an environment or a conda file, or deploy with type local"
        draft.problems.append(error("environment", text, advice))
        return made
    inference = inference.absolute()
    made = draft.with_variables(replace(made, inference_config=inference), inference.environment)
    source, faults = find_source(inference)
    draft.problems += faults
    if source is None:
        return made
    draft.problems += check_files(source, home_folder())
    texts = reachable(source)
    if texts and texts[0].path == source.script:
        draft.problems += check_script(texts[0])
        draft.check_model_paths(texts[0], made.models)
    return replace(made, source=source)


def _look_at_image(
    draft: "Draft", made: Plan, config: ContainerConfig, inference: InferenceConfig | None
) -> Plan:
    if inference is not None and str(inference.entry_script) != IMAGE_SCRIPT:
        text = f"the image {config.image} answers requests itself; {inference.entry_script} is not used"
        draft.problems.append(warning("entryScript", text, "leave the script out, or the image"))
    environment = None if inference is None else inference.environment
    kept = InferenceConfig(entry_script=IMAGE_SCRIPT, environment=environment)
    made = replace(made, inference_config=kept, variables=config.variables)
    return draft.with_variables(made, environment)
