"""``Model``: a registered version, and everything that is done with models."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from azureml.core import _model_document, _model_path
from azureml.core._inference_config import InferenceConfig
from azureml.core._model_deployments import ModelDeployments
from azureml.core._model_package import ModelPackage
from azureml.core.dataset import dataset_id, linked_datasets, sample_of, saved_references
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import NotYetAvailable, UserErrorException, WebserviceException
from moorage import errors, models
from moorage.datasets import links

if TYPE_CHECKING:
    from azureml.core.run import Run
    from azureml.core.workspace import Workspace

__all__ = ["InferenceConfig", "Model", "ModelPackage"]


class Model(ModelDeployments):
    """A registered version, looked up by ``id``, or by ``name`` (and ``version``, else the newest).

    ``tags`` and ``properties`` are filters: a list of ``"key"`` or ``["key", "value"]``.

    Raises:
        WebserviceException: neither name nor id is given, or there is no such model (then the exception
            is a ModelNotFoundException too).
    """

    class Framework:
        """Names of frameworks; any other text is accepted as well."""

        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        TFKERAS = "TfKeras"
        PYTORCH = "PyTorch"
        MULTI = "Multi"

    workspace: "Workspace"
    name: str
    id: str
    version: int
    description: str | None
    created_time: datetime
    created_by: dict[str, str]
    model_framework: str | None
    model_framework_version: str | None
    resource_configuration: ResourceConfiguration | None
    run_id: str | None
    experiment_name: str | None
    url: str
    mime_type: str
    unpack: bool
    parent_id: str | None
    derived_model_ids: list[str]

    @as_old_exceptions()
    def __init__(
        self,
        workspace: "Workspace",
        name: str | None = None,
        id: str | None = None,
        tags: Sequence[Any] | None = None,
        properties: Sequence[Any] | None = None,
        version: int | str | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        expand: bool = True,
        **kwargs: Any,
    ) -> None:
        if id is None and name is None:
            raise WebserviceException("give the model's name or id, for example Model(ws, 'mymodel')")
        if id is not None:
            found = models.get_by_id(workspace._moorage, id)
        elif version is not None:
            found = models.get(workspace._moorage, str(name), _version_number(version))
        else:
            matching = models.list_models(
                workspace._moorage,
                name=name,
                tags=_filters("tags", tags),
                properties=_filters("properties", properties),
                run_id=run_id,
                framework=model_framework,
                limit=1,
            )
            if not matching:
                if name is not None:
                    models.get(workspace._moorage, name)  # says which name may have been meant
                raise errors.ModelNotFound(str(name))
            found = matching[0]
        self._show(workspace, found)

    @classmethod
    def _of(cls, workspace: "Workspace", record: models.Model) -> "Model":
        model = cls.__new__(cls)
        model._show(workspace, record)
        return model

    def _show(self, workspace: "Workspace", record: models.Model) -> None:
        self.workspace, self._record = workspace, record
        self.name, self.id, self.version = record.name, record.id, record.version
        self.description = record.description
        self.created_time, self.created_by = record.created_at, {"userName": record.created_by}
        self.model_framework, self.model_framework_version = record.framework, record.framework_version
        self.resource_configuration = ResourceConfiguration.of_record(record.resources)
        self.run_id, self.experiment_name = record.run_id, record.experiment_name
        self.url, self.mime_type, self.unpack = f"aml://asset/{record.id}", "application/json", False
        self.parent_id, self.derived_model_ids = None, []

    @property
    def tags(self) -> dict[str, str]:
        """A copy; change them with ``add_tags`` and ``remove_tags``."""
        return dict(self._record.tags)

    @property
    def properties(self) -> dict[str, str]:
        """A copy; add to them with ``add_properties``."""
        return dict(self._record.properties)

    @property
    def sample_input_dataset(self) -> Any:
        """A data set like what the model takes, None if there is none."""
        return sample_of(self.workspace, self._record.sample_input_dataset_id)

    @property
    def sample_output_dataset(self) -> Any:
        """A data set like what the model gives, None if there is none."""
        return sample_of(self.workspace, self._record.sample_output_dataset_id)

    @property
    def datasets(self) -> dict[str, Any]:
        """Lists of data sets by what they were for, such as ``training``."""
        return linked_datasets(self.workspace, self._record)

    @property
    def run(self) -> "Run | None":
        """The run that the model came from, if it was registered from one."""
        from azureml.core.run import Run

        return None if self.run_id is None else Run.get(self.workspace, self.run_id)

    # --- registering and finding ---

    @staticmethod
    @as_old_exceptions()
    def register(
        workspace: "Workspace",
        model_path: str,
        model_name: str,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        description: str | None = None,
        datasets: Any = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: Sequence[str] | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: ResourceConfiguration | None = None,
    ) -> "Model":
        """Register a file or a folder as the next version; the folder's name stays as one level.

        Raises:
            FileNotFoundError: the path does not exist.
            WebserviceException: the name is not allowed, the folder is empty, a child path is missing.
        """
        print(f"Registering model {model_name}")
        # The control plane looks at the name before the path; only then is a missing path the problem.
        models.check_model_name(model_name)
        if not Path(model_path).expanduser().exists():
            raise FileNotFoundError(
                f"the model path {model_path} does not exist (current folder: {Path.cwd()})"
            )
        references = saved_references(workspace, datasets)
        record = models.register(
            workspace._moorage,
            model_path,
            model_name,
            tags=tags,
            properties=properties,
            description=description,
            framework=model_framework,
            framework_version=model_framework_version,
            child_paths=child_paths,
            resources=None if resource_configuration is None else resource_configuration.as_record(),
            sample_input_dataset_id=dataset_id(workspace, sample_input_dataset),
            sample_output_dataset_id=dataset_id(workspace, sample_output_dataset),
        )
        links.link(workspace._moorage, record, references)
        return Model._of(workspace, record)

    @staticmethod
    @as_old_exceptions()
    def list(
        workspace: "Workspace",
        name: str | None = None,
        tags: Sequence[Any] | None = None,
        properties: Sequence[Any] | None = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: str | None = None,
    ) -> "_Models":
        """Return the models that pass every filter, newest first; ``latest``: of each name only the newest.

        Raises:
            UserErrorException: a filter is not a list, or ``page_count`` is not 20 to 255.
        """
        if not 20 <= page_count <= 255:
            raise UserErrorException(f"page_count is a number from 20 to 255, not {page_count}")
        found = models.list_models(
            workspace._moorage,
            name=name,
            tags=_filters("tags", tags),
            properties=_filters("properties", properties),
            run_id=run_id,
            framework=model_framework,
            latest=latest,
        )
        if dataset_id is not None:
            linked = links.models_with(workspace._moorage, dataset_id)
            found = [record for record in found if record.id in linked]
        return [Model._of(workspace, record) for record in found]

    @staticmethod
    @as_old_exceptions()
    def get_model_path(model_name: str, version: int | None = None, _workspace: Any = None) -> str:
        """Return the path of the model's file or top folder on this machine.

        Looked for below ``azureml-models/<name>/<version>`` in the current folder, then in ``_workspace``
        (which downloads it there), then as ``./<name>``.

        Raises:
            ModelNotFoundException: it is nowhere.
            WebserviceException: that version is nowhere, or its folder holds more than one entry.
        """
        return _model_path.find(model_name, version, _workspace and _workspace._moorage)

    # --- changing ---

    @as_old_exceptions()
    def _change(self, **changes: Any) -> None:
        self._show(self.workspace, models.update(self.workspace._moorage, self._record, **changes))

    def update(
        self,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: ResourceConfiguration | None = None,
    ) -> None:
        """Replace what is given; None leaves it as it is."""
        with as_old_exceptions():
            resources = None if resource_configuration is None else resource_configuration.as_record()
        self._change(
            tags=tags,
            description=description,
            resources=resources,
            sample_input_dataset_id=dataset_id(self.workspace, sample_input_dataset),
            sample_output_dataset_id=dataset_id(self.workspace, sample_output_dataset),
        )

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        """Add tags; a key that is there gets the new value."""
        for key in [key for key in tags if key in self._record.tags]:
            print(f"Replacing tag {key}: {self._record.tags[key]} -> {tags[key]}")
        self._change(add_tags=tags)
        print("Model tags were added")

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove tags by key; a missing one is only mentioned."""
        for key in [key for key in tags if key not in self._record.tags]:
            print(f"Tag {key} is not there, nothing to remove")
        self._change(remove_tags=tuple(tags))
        print("Model tags were removed")

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Add properties.

        Raises:
            WebserviceException: a key is there already; properties are set once.
        """
        self._change(add_properties=properties)
        print("Model properties were added")

    def update_tags_properties(
        self,
        add_tags: Mapping[str, Any] | None = None,
        remove_tags: Sequence[str] | None = None,
        add_properties: Mapping[str, Any] | None = None,
    ) -> None:
        """Do all three in one step."""
        self._change(add_tags=add_tags, remove_tags=tuple(remove_tags or ()), add_properties=add_properties)

    @as_old_exceptions()
    def add_dataset_references(self, datasets: Any) -> None:
        """Note what data sets were for: a list of ``("training", dataset)``."""
        links.link(self.workspace._moorage, self._record, saved_references(self.workspace, datasets))

    @as_old_exceptions()
    def delete(self) -> None:
        """Delete this version.

        Raises:
            WebserviceException: a service uses it.
        """
        models.delete(self.workspace._moorage, self._record)

    # --- files and documents ---

    @as_old_exceptions()
    def download(self, target_dir: str = ".", exist_ok: bool = False, exists_ok: bool | None = None) -> str:
        """Write the files below ``target_dir`` and return the path of the file or top folder.

        ``exists_ok`` is an older spelling of ``exist_ok``.

        Raises:
            WebserviceException: a file of it is there already and overwriting was not allowed.
        """
        overwrite = exist_ok if exists_ok is None else exists_ok
        return str(models.download(self.workspace._moorage, self._record, target_dir, exist_ok=overwrite))

    def get_sas_urls(self) -> dict[str, str]:
        """Not built yet: stored files have no address of their own."""
        raise NotYetAvailable("Model.get_sas_urls()", "model.download(target_dir) writes the files.")

    def serialize(self) -> dict[str, Any]:
        """Return the form of the REST interface."""
        return _model_document.of_record(self._record)

    @staticmethod
    def deserialize(workspace: "Workspace", model_payload: Mapping[str, Any]) -> "Model":
        """Read what ``serialize`` returned, without looking anything up."""
        return Model._of(workspace, _model_document.to_record(model_payload))

    def __repr__(self) -> str:
        return (
            f"Model(workspace={self.workspace!r}, name={self.name}, id={self.id}, version={self.version}, "
            f"tags={self.tags}, properties={self.properties})"
        )


# A method of the class is called "list", so annotations inside it need another name for the type.
_Models = list[Model]


def _version_number(version: int | str) -> int:
    try:
        return int(version)
    except ValueError as error:
        raise WebserviceException(f"version: {version!r} is not a number") from error


def _filters(name: str, wanted: Sequence[Any] | None) -> tuple[Any, ...]:
    """Return filters as the registry takes them: a key, or a pair of key and value."""
    if wanted is None:
        return ()
    if not isinstance(wanted, list):
        raise UserErrorException(f"{name}: a list of 'key' or ['key', 'value'] is expected, not {wanted!r}")
    return tuple(one if isinstance(one, str) else (one[0], str(one[1])) for one in wanted)
