"""How the bindings connect, and their command storpool_req."""

import json
import os
import subprocess
import sys

from storpool import spapi, spconfig

import emulator
from cases import case
from emulator import refused

MIB = 1 << 20


def storpool_req(c, *args, env=None):
    """Run the command of the bindings with a configuration file of its own instead of the machine's."""
    config = os.path.join(c.server.folder.name, "storpool.conf")
    with open(config, "w") as text:
        text.write("SP_API_HTTP_HOST={0.host}\nSP_API_HTTP_PORT={0.port}\nSP_AUTH_TOKEN={0.token}\n".format(c.server))
    main = (
        "import sys; from storpool import spconfig, spreq; "
        "spconfig.SPConfig.PATH_CONFIG, spconfig.SPConfig.PATH_CONFIG_DIR = {0!r}, {0!r} + '.d'; "
        "spreq.main()").format(config)
    done = subprocess.run([sys.executable, "-c", main, *args], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, **(env or {})))
    return done.returncode, done.stdout, done.stderr


def trouble(text):
    """The error that the command reports, without the line about simplejson before it."""
    return json.loads(text[text.index("{"):])["error"]


@case("fromConfig")
def configuration_file_and_environment(c):
    path = os.path.join(c.server.folder.name, "storpool.conf")
    with open(path, "w") as text:
        text.write("SP_API_HTTP_HOST={0.host}\nSP_API_HTTP_PORT={0.port}\nSP_AUTH_TOKEN=wrong\n".format(c.server))
    kept = spconfig.SPConfig.PATH_CONFIG, spconfig.SPConfig.PATH_CONFIG_DIR
    spconfig.SPConfig.PATH_CONFIG, spconfig.SPConfig.PATH_CONFIG_DIR = path, path + ".d"
    try:
        refused("accessDenied", c.api.fromConfig().volumesList)
        os.environ["SP_AUTH_TOKEN"] = c.server.token
        assert c.api.fromConfig().volumesList() == []
        refused("accessDenied", c.api.fromConfig(use_env=False).volumesList)
    finally:
        os.environ.pop("SP_AUTH_TOKEN", None)
        spconfig.SPConfig.PATH_CONFIG, spconfig.SPConfig.PATH_CONFIG_DIR = kept


@case("volumeCreate", "volumesList")
def transient_errors_and_lost_connections_are_tried_again(c):
    c.server.arm("POST VolumeCreate", kind="transient", error="busy")
    c.api.volumeCreate({"name": "v1", "size": MIB, "template": "ssd"})
    c.server.arm("POST VolumeCreate", kind="cut")
    c.api.volumeCreate({"name": "v2", "size": MIB, "template": "ssd"})
    assert sorted(v.name for v in c.api.volumesList()) == ["v1", "v2"]
    c.server.arm("POST VolumeCreate", kind="lose")
    refused("objectExists", c.api.volumeCreate, {"name": "v3", "size": MIB, "template": "ssd"})
    assert [call["answer"] for call in c.server.calls() if call["query"] == "VolumeCreate"] == [
        "busy", "ok", "lost", "ok", "lost", "objectExists"]


@case("disksList", "volumesList")
def remote_commands_reach_the_cluster_itself(c):
    cluster = c.multi.volumeCreate({"size": MIB, "template": "ssd"}).globalId.rsplit(".", 1)[0]
    name = c.multi.volumesList()[0].clusterName
    for spelling in name, "~" + cluster:
        assert len(c.api.disksList(clusterName=spelling)) == 24
        assert len(c.multi.volumesList(clusterName=spelling)) == 1
    refused("objectDoesNotExist", c.api.disksList, clusterName="nowhere")


@case("volumeCreate", "volumesList")
def storpool_req_makes_calls(c):
    status, out, err = storpool_req(
        c, "-P", "--json", '{"name":"v","size":1048576,"template":"ssd"}', "VolumeCreate")
    assert status == 0, err
    assert json.loads(out)["name"] == "v" and json.loads(out)["ok"] is True
    assert c.api.volumeCreate({"name": "w", "size": MIB, "template": "ssd"}).ok
    status, out, err = storpool_req(c, "-M", "VolumesList")
    assert status == 0, err
    assert [v["name"] for v in json.loads(out)] == ["v", "w"] == [v.name for v in c.api.volumesList()]
    status, out, err = storpool_req(c, "Volume", "v")
    assert status == 0 and json.loads(out)[0]["size"] == MIB
    status, out, err = storpool_req(c, "-P", "VolumeDelete", "v")
    assert status == 0 and json.loads(out)["ok"] is True
    status, out, err = storpool_req(c, "-N", "-P", "VolumeDelete", "w")
    assert status == 0 and out.startswith("About to invoke")
    assert [v.name for v in c.api.volumesList()] == ["w"], "-N does nothing"


@case("volumesList", "snapshotsList")
def storpool_req_makes_templates_as_the_agent_does(c):
    status, out, err = storpool_req(
        c, "-P", "-M", "--json", '{"size":"1048576","template":"ssd","tags":{"cs":"template"}}', "VolumeCreate")
    assert status == 0, err
    name = "~" + json.loads(out)["globalId"]
    status, out, err = storpool_req(c, "-P", "-M", "--json", '{"template":"ssd"}', "VolumeSnapshot", name)
    assert status == 0, err
    snapshot = json.loads(out)["snapshotGlobalId"]
    status, _, err = storpool_req(c, "-P", "-M", "VolumeDelete", name)
    assert status == 0, err
    assert [s.globalId for s in c.api.snapshotsList()] == [snapshot] and c.api.volumesList() == []


@case("volumesList")
def storpool_req_reports_trouble(c):
    status, _, err = storpool_req(c, "Volume", "none")
    assert (status, trouble(err)["name"]) == (3, "objectDoesNotExist")
    status, _, err = storpool_req(
        c, "-P", "--json", '{"name":"v","size":512,"template":"ssd","replication":3,"parent":"a","baseOn":"b"}', "VolumeCreate")
    assert (status, trouble(err)["name"]) == (2, "invalidParam")
    status, _, err = storpool_req(c, "VolumesList", env={"SP_AUTH_TOKEN": "wrong"})
    assert (status, trouble(err)["name"]) == (2, "accessDenied")
    status, _, err = storpool_req(c, "NoSuchQuery")
    assert (status, trouble(err)["name"]) == (1, "cliUnknownQuery")
    assert c.api.volumesList() == []
