"""The registry behaves as a dictionary would, whatever is done to it in whatever order."""

import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from moorage import models
from moorage.errors import DownloadTargetExists, ModelNotFound, PropertyExists
from moorage.workspace import Workspace

NAMES = st.sampled_from(["rose", "tulip", "Rose"])
CONTENTS = st.sampled_from([b"", b"one", b"two", b"three" * 1000])
LABELS = st.dictionaries(st.sampled_from(["a", "b", "a=b"]), st.sampled_from(["", "1", "x=y"]), max_size=2)


class Registry(RuleBasedStateMachine):
    """Compared with ``known``: id to (tags, properties, contents by path), in order of registration."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.workspace = Workspace.create("machine", home=self.folder / "home")
        self.known: dict[str, tuple[dict[str, str], dict[str, str], dict[str, bytes]]] = {}
        self.last_version: dict[str, int] = {}

    def teardown(self) -> None:
        self.workspace.close()
        shutil.rmtree(self.folder)

    @rule(
        target=ids,
        name=NAMES,
        contents=st.dictionaries(st.sampled_from(["a", "b", "sub/a"]), CONTENTS, min_size=1),
        tags=LABELS,
        properties=LABELS,
    )
    def register(self, name, contents, tags, properties):
        source = self.folder / "source"
        for path, content in contents.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(content)
        model = models.register(self.workspace, source, name, tags=tags, properties=properties)
        shutil.rmtree(source)
        self.last_version[name] = self.last_version.get(name, 0) + 1
        assert model.version == self.last_version[name]
        self.known[model.id] = (tags, properties, {f"source/{path}": contents[path] for path in contents})
        return model.id

    @rule(model_id=ids, tags=LABELS, removed=st.sets(st.sampled_from(["a", "b"])))
    def change_tags(self, model_id, tags, removed):
        if model_id not in self.known:
            with pytest.raises(ModelNotFound):
                models.update(self.workspace, model_id, add_tags=tags)
            return
        models.update(self.workspace, model_id, add_tags=tags, remove_tags=sorted(removed))
        old, properties, contents = self.known[model_id]
        self.known[model_id] = (
            {key: old[key] for key in old if key not in removed} | tags,
            properties,
            contents,
        )

    @rule(model_id=ids, new=LABELS)
    def add_properties(self, model_id, new):
        if model_id not in self.known:
            return
        tags, properties, contents = self.known[model_id]
        if set(new) & set(properties):
            with pytest.raises(PropertyExists):
                models.update(self.workspace, model_id, add_properties=new)
            return
        models.update(self.workspace, model_id, add_properties=new)
        self.known[model_id] = (tags, properties | new, contents)

    @rule(model_id=consumes(ids))
    def delete(self, model_id):
        models.delete(self.workspace, model_id)
        del self.known[model_id]

    @rule(model_id=ids, exist_ok=st.booleans())
    def download(self, model_id, exist_ok):
        target = self.folder / "target"
        (target / "source").mkdir(parents=True)
        (target / "source" / "a").write_bytes(b"mine")
        contents = self.known[model_id][2]
        if "source/a" in contents and not exist_ok:
            with pytest.raises(DownloadTargetExists):
                models.download(self.workspace, model_id, target, exist_ok=exist_ok)
            contents = {}
        else:
            models.download(self.workspace, model_id, target, exist_ok=exist_ok)
        found = {
            str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()
        }
        assert found == {"source/a": b"mine"} | contents
        shutil.rmtree(target)

    @rule()
    def reopen(self):
        self.workspace.close()
        self.workspace = Workspace.open("machine", home=self.folder / "home")

    @rule()
    def clean_up(self):
        assert models.remove_unused_blobs(self.workspace, grace_s=-1) == 0

    @rule(key=st.sampled_from(["a", "b", "a=1", "b="]), name=st.none() | NAMES)
    def filter(self, key, name):
        wanted, has_value, value = key.partition("=")
        expected = [
            model_id
            for model_id, (tags, _, _) in reversed(self.known.items())
            if (tags.get(wanted) == value if has_value else wanted in tags)
            and name in {None, model_id.partition(":")[0]}
        ]
        assert [model.id for model in models.list_models(self.workspace, tags=[key], name=name)] == expected

    @invariant()
    def everything_is_as_expected(self):
        found = models.list_models(self.workspace)
        assert [model.id for model in found] == list(reversed(self.known))
        for model in found:
            tags, properties, contents = self.known[model.id]
            assert (model.tags, model.properties) == (tags, properties)
            assert {file.path: file.sha256 for file in model.files} == {
                path: sha256(contents[path]).hexdigest() for path in contents
            }

    @invariant()
    def exactly_the_used_contents_are_stored(self):
        used = {
            sha256(content).hexdigest() for _, _, files in self.known.values() for content in files.values()
        }
        assert {blob.sha256 for blob in self.workspace.blobs.list()} == used

    @invariant()
    def the_newest_is_the_newest(self):
        newest = {}
        for model_id in self.known:
            newest[model_id.partition(":")[0]] = model_id
        found = models.list_models(self.workspace, latest=True)
        assert {model.name: model.id for model in found} == newest
        for name, model_id in newest.items():
            assert models.get(self.workspace, name).id == model_id


TestRegistry = Registry.TestCase
TestRegistry.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
