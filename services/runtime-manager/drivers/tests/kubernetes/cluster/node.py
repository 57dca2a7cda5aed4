"""The controllers and the only node: sets get their pods, and pods run real processes."""

import asyncio
import copy
import os
import shutil
import signal

from aiohttp import web

from objects import matches, now
from container import Container, processes
from refusal import Refusal, not_found


class Node:
    def __init__(self, objects, root, images):
        self.objects = objects
        self.root = root
        self.images = images
        self.containers = {}  # pod uid -> Container
        self.wakened = asyncio.Event()
        objects.listeners.append(self.wakened.set)

    async def run(self):
        while True:
            await self.wakened.wait()
            self.wakened.clear()
            self.reconcile()

    def reconcile(self):
        for stateful in self.objects.of('statefulsets'):
            self.scale(stateful)
        self.collect_garbage()
        for pod in self.objects.of('pods'):
            uid = pod['metadata']['uid']
            if uid not in self.containers and self.schedule(pod):
                self.containers[uid] = Container(self, pod)
        for claim in self.objects.of('persistentvolumeclaims'):
            name = claim['metadata']['name']
            if claim['metadata'].get('deletionTimestamp') and not self.users(name):
                self.remove_claim(name)

    def scale(self, stateful):
        meta, spec = stateful['metadata'], stateful['spec']
        name = f'{meta["name"]}-0'
        pod = self.objects.get('pods', name)
        if pod is None and spec.get('replicas', 1) > 0:
            revision = f'{meta["name"]}-{meta["uid"][:10]}'
            if len(revision) > 63:
                return
            template = copy.deepcopy(spec['template'])
            template['metadata']['name'] = name
            template['metadata'].setdefault('labels', {}).update({
                'controller-revision-hash': revision, 'statefulset.kubernetes.io/pod-name': name})
            template['metadata']['ownerReferences'] = [{
                'apiVersion': 'apps/v1', 'kind': 'StatefulSet', 'name': meta['name'], 'uid': meta['uid'],
                'controller': True, 'blockOwnerDeletion': True}]
            self.objects.create('pods', {'apiVersion': 'v1', 'kind': 'Pod', **template,
                                         'status': {'phase': 'Pending'}})
        elif pod is not None and not pod['metadata'].get('deletionTimestamp'):
            ended = pod['status']['phase'] in ('Failed', 'Succeeded')
            if ended or spec.get('replicas', 1) == 0:
                self.delete('pods', pod, None)

    def collect_garbage(self):
        known = {obj['metadata']['uid'] for obj in self.objects.all.values()}
        for (plural, _), obj in list(self.objects.all.items()):
            owners = obj['metadata'].get('ownerReferences') or []
            gone = owners and not any(owner['uid'] in known for owner in owners)
            if gone and not obj['metadata'].get('deletionTimestamp'):
                self.delete(plural, obj, None)

    def schedule(self, pod):
        for volume in pod['spec'].get('volumes', []):
            claim = volume.get('persistentVolumeClaim', {}).get('claimName')
            found = claim and self.objects.get('persistentvolumeclaims', claim)
            if claim and (found is None or found['metadata'].get('deletionTimestamp')):
                self.set_status(pod, {'phase': 'Pending', 'conditions': [{
                    'type': 'PodScheduled', 'status': 'False', 'reason': 'Unschedulable',
                    'message': f'persistentvolumeclaim "{claim}" not found'}]})
                return False
        pod = copy.deepcopy(pod)
        pod['spec']['nodeName'] = 'node'
        pod.setdefault('status', {}).setdefault('phase', 'Pending')
        self.objects.update('pods', pod)
        return True

    def set_status(self, pod, status):
        current = self.objects.get('pods', pod['metadata']['name'])
        if current and current['metadata']['uid'] == pod['metadata']['uid']:
            self.objects.update('pods', {**current, 'status': status})

    def delete(self, plural, obj, grace):
        """Deletes at once, or marks the object, which is given back then."""
        name, uid = obj['metadata']['name'], obj['metadata']['uid']
        if plural == 'pods':
            if grace is None:
                grace = obj['spec'].get('terminationGracePeriodSeconds', 30)
            container = self.containers.get(uid)
            if grace > 0 and container is not None and not container.finished:
                return self.mark(plural, obj, grace)
            if container is not None:
                container.abandon()
        elif plural == 'persistentvolumeclaims' and self.users(name):
            return self.mark(plural, obj, 0)
        elif plural == 'persistentvolumeclaims':
            self.remove_claim(name)
            return None
        self.objects.remove(plural, name)
        return None

    def mark(self, plural, obj, grace):
        meta = obj['metadata']
        # A grace can be made shorter, never longer.
        if not meta.get('deletionTimestamp') or grace < meta['deletionGracePeriodSeconds']:
            meta = {**meta, 'deletionTimestamp': now(), 'deletionGracePeriodSeconds': grace}
            obj = self.objects.update(plural, {**obj, 'metadata': meta})
        return obj

    def users(self, claim):
        return [pod for pod in self.objects.of('pods') for volume in pod['spec'].get('volumes', [])
                if volume.get('persistentVolumeClaim', {}).get('claimName') == claim]

    def volume(self, claim):
        path = os.path.join(self.root, 'volumes', claim)
        os.makedirs(path, exist_ok=True)
        return path

    def remove_claim(self, name):
        self.objects.remove('persistentvolumeclaims', name)
        shutil.rmtree(os.path.join(self.root, 'volumes', name), ignore_errors=True)

    def resolve(self, host):
        """The cluster's DNS: the address of the pod behind a headless service."""
        name, _, domain = host.partition('.')
        service = self.objects.get('services', name)
        if service is None or domain != f'{self.objects.namespace}.svc.cluster.local':
            raise not_found('hosts', host)
        selector = ','.join(f'{key}={value}' for key, value in service['spec']['selector'].items())
        for pod in self.objects.of('pods'):
            container = self.containers.get(pod['metadata']['uid'])
            if matches(selector, pod) and container is not None and container.address():
                return web.Response(text=container.address())
        raise not_found('hosts', host)

    async def log(self, request):
        pod = self.objects.get('pods', request.name)
        container = pod and self.containers.get(pod['metadata']['uid'])
        if pod is None:
            raise not_found('pods', request.name)
        previous = request.params.get('previous') == 'true'
        run = container.restarts - 1 if container and previous else container and container.restarts
        if container is None or run < 0 or not os.path.exists(container.log(run)):
            raise Refusal(400, 'BadRequest', 'container "engine" is waiting to start: ContainerCreating')
        response = web.StreamResponse(headers={'Content-Type': 'text/plain'})
        await response.prepare(request._raw_request)
        with open(container.log(run), 'rb') as file:
            lines = file.read().splitlines(keepends=True)
            await response.write(b''.join(lines[-int(request.params.get('tailLines', 10_000)):]))
            while request.params.get('follow') == 'true':
                ended = container.ended(run)
                rest = file.read()
                if rest:
                    await response.write(rest)
                elif ended:
                    break
                await asyncio.sleep(0.01)
        await response.write_eof()
        return response

    def stop(self):
        for uid in self.containers:
            for pid in processes(uid):
                os.kill(pid, signal.SIGKILL)
