"""The API server: requests are parsed by kmock, and answered as strictly as the real one would."""

import asyncio
import json
import uuid

import kmock
from aiohttp import web

import apply
import rules
from objects import KINDS, matches, now
from refusal import Refusal, conflict, not_found

VERBS = {'LIST': 'list', 'WATCH': 'watch', 'FETCH': 'get', 'CREATE': 'create', 'UPDATE': 'patch',
         'DELETE': 'delete'}
# A list is given in chunks of this size, whatever limit is asked for.
CHUNK = 3


class Cluster(kmock.KubernetesScaffold):
    def __init__(self, objects, node, violations):
        super().__init__()
        self.stored = objects
        self.node = node
        self.violations = violations
        self.schemas = rules.Schemas()
        self.managers = apply.Managers()
        self.namespace_object = {
            'apiVersion': 'v1', 'kind': 'Namespace',
            'metadata': {'name': objects.namespace, 'uid': str(uuid.uuid4()), 'resourceVersion': '1',
                         'creationTimestamp': now()},
        }

    async def _handle(self, request):
        try:
            return await self.answer(request)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            if not isinstance(error, Refusal) or error.violation:
                with open(self.violations, 'a') as file:
                    print(request.method.value, request.url, repr(error), file=file)
            raise

    async def _render_error(self, error):
        if isinstance(error, Refusal):
            error = kmock.KubernetesError(status=error.status, reason=error.reason, message=error.message)
        return await super()._render_error(error)

    async def answer(self, request):
        if request.url.path.startswith('/dns/'):
            return self.node.resolve(request.url.path.removeprefix('/dns/'))
        if request.url.path == '/left':
            left = {plural: len(self.stored.of(plural)) for plural in KINDS}
            return web.json_response({plural: number for plural, number in left.items() if number})
        if request.resource is None or request.namespace is None:
            raise Refusal(403, 'Forbidden', 'only the namespace', violation=True)
        verb = VERBS.get(request.action.value if request.action else '')
        plural = request.resource.plural
        if plural is None:
            rules.check_rights('namespaces', 'get' if verb == 'list' else verb)
            if request.namespace != self.stored.namespace:
                raise not_found('namespaces', request.namespace)
            return web.json_response(self.namespace_object)
        resource = '/'.join(filter(None, (plural, request.subresource)))
        rules.check_rights(resource, verb)
        group = '/'.join(filter(None, (request.resource.group, request.resource.version)))
        if plural not in KINDS or KINDS[plural][0] != group or request.namespace != self.stored.namespace:
            raise Refusal(404, 'NotFound', f'no {plural} in {group}', violation=True)
        if request.subresource == 'log':
            return await self.node.log(request)
        return await getattr(self, verb)(request, plural)

    def existing(self, plural, name):
        obj = self.stored.get(plural, name)
        if obj is None:
            raise not_found(plural, name)
        return obj

    async def get(self, request, plural):
        return web.json_response(self.existing(plural, request.name))

    async def list(self, request, plural):
        params, version = request.params, KINDS[plural]
        items = [obj for obj in self.stored.of(plural)
                 if matches(params.get('labelSelector'), obj) and in_fields(params.get('fieldSelector'), obj)]
        after = params.get('continue')
        if after:
            items = [obj for obj in items if obj['metadata']['name'] > after]
        meta = {'resourceVersion': str(self.stored.version)}
        if 'limit' in params and len(items) > CHUNK:
            meta['continue'] = items[CHUNK - 1]['metadata']['name']
            meta['remainingItemCount'] = len(items) - CHUNK
            items = items[:CHUNK]
        return web.json_response({'apiVersion': version[0], 'kind': f'{version[1]}List',
                                  'metadata': meta, 'items': items})

    async def watch(self, request, plural):
        params = request.params
        seen = int(params.get('resourceVersion') or 0)
        if seen <= 0:
            raise Refusal(400, 'BadRequest', 'a watch begins at a version', violation=True)
        response = web.StreamResponse(headers={'Content-Type': 'application/json'})
        await response.prepare(request._raw_request)
        loop = asyncio.get_running_loop()
        end = loop.time() + float(params.get('timeoutSeconds') or 300)
        while True:
            for version, event, kind, before, obj in list(self.stored.history):
                if version <= seen or kind != plural:
                    continue
                selector = params.get('labelSelector')
                was, matched = before is not None and matches(selector, before), matches(selector, obj)
                if event == 'DELETED' or (was and not matched):
                    event = 'DELETED' if was else None
                elif matched:
                    event = 'MODIFIED' if was else 'ADDED'
                else:
                    event = None
                if event:
                    await response.write(json.dumps({'type': event, 'object': obj}).encode() + b'\n')
            seen = max(seen, self.stored.version)
            left = end - loop.time()
            if left <= 0:
                await response.write_eof()
                return response
            async with self.stored.changed:
                if self.stored.version == seen:
                    try:
                        await asyncio.wait_for(self.stored.changed.wait(), min(left, 5))
                    except TimeoutError:
                        pass

    async def create(self, request, plural):
        body = rules.parse(request.body)
        if body.get('metadata', {}).get('resourceVersion'):
            raise Refusal(400, 'BadRequest', 'resourceVersion should not be set on objects to be created',
                          violation=True)
        self.check(plural, body)
        name = body['metadata']['name']
        if self.stored.get(plural, name) is not None:
            raise Refusal(409, 'AlreadyExists', f'{plural} "{name}" already exists')
        obj = self.stored.create(plural, body)
        self.managers.updated(None, obj, manager_of(request))
        return web.json_response(obj, status=201)

    async def patch(self, request, plural):
        body = rules.parse(request.body)
        kind = request.headers.get('Content-Type')
        before = self.stored.get(plural, request.name)
        body.setdefault('metadata', {}).setdefault('name', request.name)
        if body['metadata']['name'] != request.name:
            rules.invalid('metadata.name: is not the name in the path')
        if kind == 'application/apply-patch+yaml':
            return self.apply(request, plural, before, body)
        if kind != 'application/merge-patch+json':
            raise Refusal(415, 'UnsupportedMediaType', kind, violation=True)
        if before is None:
            raise not_found(plural, request.name)
        apply.check_version(plural, before, body)
        after = apply.merge(before, body)
        return web.json_response(self.store(plural, before, after, manager_of(request)))

    def apply(self, request, plural, before, body):
        manager = manager_of(request)
        if body['metadata'].get('managedFields'):
            raise Refusal(400, 'BadRequest', 'metadata.managedFields must be nil', violation=True)
        if (body.get('apiVersion'), body.get('kind')) != KINDS[plural]:
            raise Refusal(400, 'BadRequest', 'apiVersion and kind must be set', violation=True)
        self.schemas.check(body)
        apply.check_version(plural, before, body)
        made = before is None
        if made:
            self.check(plural, body)
            before = {key: body[key] for key in ('apiVersion', 'kind')}
            before['metadata'] = {'name': request.name, 'uid': str(uuid.uuid4())}
        force = request.params.get('force') == 'true'
        after = self.managers.applied(plural, before, body, manager, force)
        if made:
            self.managers.of.pop(before['metadata']['uid'], None)
            obj = self.stored.create(plural, after)
            self.managers.applied(plural, obj, body, manager, True)
            return web.json_response(obj, status=201)
        return web.json_response(self.store(plural, before, after, None))

    def store(self, plural, before, after, manager):
        self.check(plural, after)
        rules.check_update(plural, before, after)
        stored = self.stored.update(plural, after)
        if manager:
            self.managers.updated(before, stored, manager)
        return stored

    def check(self, plural, obj):
        if (obj.get('apiVersion'), obj.get('kind')) != KINDS[plural]:
            raise Refusal(400, 'BadRequest', 'apiVersion and kind must be set', violation=True)
        self.schemas.check(obj)
        rules.check_meta(plural, obj)
        rules.check_content(plural, obj)

    async def delete(self, request, plural):
        options = rules.parse(request.body) if request.body else {}
        self.schemas.check_as(options, 'DeleteOptions', 'meta/v1', rules.VERSIONS[-1])
        obj = self.existing(plural, request.name)
        for field, wanted in (options.get('preconditions') or {}).items():
            if obj['metadata'][field] != wanted:
                raise conflict(plural, request.name, f'the {field} in the precondition does not match')
        if options.get('propagationPolicy', 'Background') != 'Background':
            raise Refusal(501, 'NotImplemented', 'only in the background', violation=True)
        left = self.node.delete(plural, obj, options.get('gracePeriodSeconds'))
        if left is not None:
            return web.json_response(left)
        return web.json_response({'apiVersion': 'v1', 'kind': 'Status', 'status': 'Success', 'metadata': {}})


def manager_of(request):
    manager = request.params.get('fieldManager')
    if not manager:
        raise Refusal(400, 'BadRequest', 'fieldManager is required', violation=True)
    return manager


def in_fields(selector, obj):
    for term in filter(None, (selector or '').split(',')):
        path, _, value = term.partition('=')
        found = obj
        for step in path.split('.'):
            found = (found or {}).get(step)
        if str(found) != value:
            return False
    return True
