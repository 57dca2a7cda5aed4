"""Writes: create, server-side apply with managers of fields, and merge patches."""

import copy

from refusal import Refusal, conflict

# Lists that are merged by a key; all others are replaced whole.
KEYS = {'containers': 'name', 'ports': 'name', 'volumes': 'name', 'volumeMounts': 'mountPath',
        'ownerReferences': 'uid', 'env': 'name', 'imagePullSecrets': 'name'}
SERVER = {'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'namespace', 'name',
          'managedFields', 'deletionTimestamp', 'deletionGracePeriodSeconds'}


def fields(value, path=()):
    """The leaves of an object, as a dictionary of paths and values."""
    if isinstance(value, dict) and value:
        found = {}
        for name, inner in value.items():
            if path == ('metadata',) and name in SERVER:
                continue
            if not path and name in ('apiVersion', 'kind', 'status'):
                continue
            found.update(fields(inner, path + (name,)))
        return found
    key = KEYS.get(path[-1]) if path else None
    if isinstance(value, list) and key and all(key in item for item in value):
        found = {}
        for item in value:
            found.update(fields(item, path + ((key, item[key]),)))
        return found
    return {path: value}


def put(obj, path, value):
    for step, following in zip(path, path[1:] + (None,)):
        last = following is None
        if isinstance(step, tuple):
            key, name = step
            item = next((item for item in obj if item[key] == name), None)
            if item is None:
                item = {key: name}
                obj.append(item)
            obj = item
        elif last:
            obj[step] = copy.deepcopy(value)
        else:
            obj = obj.setdefault(step, [] if isinstance(following, tuple) else {})


def drop(obj, path):
    """Removes a leaf, and what has become empty by that."""
    step = path[0]
    if isinstance(step, tuple):
        key, name = step
        item = next((item for item in obj if item[key] == name), None)
        if item is None:
            return
        if len(path) > 1:
            drop(item, path[1:])
        if len(path) == 1 or set(item) <= {key}:
            obj.remove(item)
    elif len(path) == 1:
        obj.pop(step, None)
    elif step in obj:
        drop(obj[step], path[1:])
        if not obj[step]:
            del obj[step]


class Managers:
    """Who has set which fields of an object; by object uid, as `(manager, operation)`."""

    def __init__(self):
        self.of = {}

    def updated(self, before, after, manager):
        """An operation `Update`: its manager takes what it has changed."""
        owned = self.of.setdefault(after['metadata']['uid'], {})
        old, new = fields(before) if before else {}, fields(after)
        changed = {path for path in new if path not in old or old[path] != new[path]}
        gone = old.keys() - new.keys()
        for who in owned:
            owned[who] -= changed | gone
        owned.setdefault((manager, 'Update'), set()).update(changed)

    def applied(self, plural, before, body, manager, force):
        """The object after an operation `Apply`. Refuses to take a field that another has set otherwise, unless forced."""
        owned = self.of.setdefault(before['metadata']['uid'], {})
        me, after = (manager, 'Apply'), copy.deepcopy(before)
        old, wanted = fields(before), fields(body)
        for path, value in wanted.items():
            others = [who for who, paths in owned.items() if who != me and path in paths]
            if others and old.get(path) != value:
                if not force:
                    raise Refusal(409, 'Conflict', f'Apply failed with 1 conflict: {path} of {others[0][0]}')
                for who in others:
                    owned[who].discard(path)
            put(after, path, value)
        for path in owned.get(me, set()) - wanted.keys():
            if not any(path in paths for who, paths in owned.items() if who != me):
                drop(after, path)
        owned[me] = set(wanted)
        return after


def merge(target, patch):
    """RFC 7396."""
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            result[name] = merge(result.get(name), value)
        else:
            result[name] = copy.deepcopy(value)
    return result


def check_version(plural, current, body):
    wanted = body.get('metadata', {}).get('resourceVersion')
    name = body.get('metadata', {}).get('name', '')
    if wanted and (current is None or current['metadata']['resourceVersion'] != wanted):
        raise conflict(plural, name)
