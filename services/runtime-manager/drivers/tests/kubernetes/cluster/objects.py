"""Objects of one namespace, with versions, and their history for watches."""

import asyncio
import copy
import datetime
import uuid

KINDS = {
    'statefulsets': ('apps/v1', 'StatefulSet'),
    'pods': ('v1', 'Pod'),
    'persistentvolumeclaims': ('v1', 'PersistentVolumeClaim'),
    'services': ('v1', 'Service'),
    'secrets': ('v1', 'Secret'),
    'events': ('v1', 'Event'),
}


def now():
    return datetime.datetime.now(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ')


class Objects:
    def __init__(self, namespace):
        self.namespace = namespace
        self.version = 100
        self.all = {}  # (plural, name) -> object
        self.history = []  # (version, type, plural, object before, object)
        self.changed = asyncio.Condition()
        self.listeners = []  # called after each change, without arguments

    def get(self, plural, name):
        return self.all.get((plural, name))

    def of(self, plural):
        found = [(key[1], obj) for key, obj in self.all.items() if key[0] == plural]
        return [obj for _, obj in sorted(found, key=lambda pair: pair[0])]

    def create(self, plural, obj):
        obj = copy.deepcopy(obj)
        meta = obj['metadata']
        meta['namespace'] = self.namespace
        meta['uid'] = str(uuid.uuid4())
        meta['creationTimestamp'] = now()
        meta['generation'] = 1
        self._put('ADDED', plural, None, obj)
        return obj

    def update(self, plural, obj):
        """Stores a changed object; one that is the same keeps its version, as in the real server."""
        name = obj['metadata']['name']
        before = self.all[plural, name]
        if _content(before) == _content(obj):
            return before
        obj = copy.deepcopy(obj)
        if before.get('spec') != obj.get('spec'):
            obj['metadata']['generation'] = before['metadata']['generation'] + 1
        self._put('MODIFIED', plural, before, obj)
        return obj

    def remove(self, plural, name):
        before = self.all.pop((plural, name))
        gone = copy.deepcopy(before)
        self._record('DELETED', plural, before, gone)

    def _put(self, event, plural, before, obj):
        self.all[plural, obj['metadata']['name']] = obj
        self._record(event, plural, before, obj)

    def _record(self, event, plural, before, obj):
        self.version += 1
        obj['metadata']['resourceVersion'] = str(self.version)
        self.history.append((self.version, event, plural, before, copy.deepcopy(obj)))
        asyncio.ensure_future(self._notify())
        for listener in self.listeners:
            listener()

    async def _notify(self):
        async with self.changed:
            self.changed.notify_all()


def _content(obj):
    obj = copy.deepcopy(obj)
    for field in ('resourceVersion', 'generation', 'managedFields'):
        obj['metadata'].pop(field, None)
    return obj


def matches(selector, obj):
    """Label selectors of the forms `a`, `a=b`, joined by commas."""
    labels = obj['metadata'].get('labels') or {}
    for term in filter(None, (selector or '').split(',')):
        name, equals, value = term.partition('=')
        if name not in labels or (equals and labels[name] != value):
            return False
    return True
