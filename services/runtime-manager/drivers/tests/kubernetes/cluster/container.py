"""The kubelet's part: one container of one pod, as processes of this machine."""

import asyncio
import base64
import copy
import hashlib
import os
import signal

from objects import now

# In the environment of all processes of a pod.
POD = 'GALAXY_TEST_POD'
# Between the second and the next start of a container, in seconds.
BACKOFF = 10


def processes(uid):
    """Those of a pod, also such as have left their group."""
    mark, found = f'{POD}={uid}'.encode(), []
    for entry in os.listdir('/proc'):
        try:
            with open(f'/proc/{entry}/environ', 'rb') as file:
                if mark in file.read().split(b'\0'):
                    found.append(int(entry))
        except (OSError, ValueError):
            continue
    return found


def digest(image):
    return 'sha256:' + hashlib.sha256(image.encode()).hexdigest()


class Container:
    def __init__(self, node, pod):
        self.node = node
        self.pod = pod
        self.uid = pod['metadata']['uid']
        self.spec = pod['spec']['containers'][0]
        self.restarts = 0
        self.running = False
        self.finished = False
        self.last = {}
        self.image_id = ''
        self.task = asyncio.ensure_future(self.run())

    def current(self):
        pod = self.node.objects.get('pods', self.pod['metadata']['name'])
        return pod if pod and pod['metadata']['uid'] == self.uid else None

    def deleting(self):
        pod = self.current()
        return pod is None or bool(pod['metadata'].get('deletionTimestamp'))

    def log(self, run):
        return os.path.join(self.node.root, 'logs', f'{self.uid}.{run}')

    def ended(self, run):
        return run < self.restarts or not self.running

    def address(self):
        try:
            with open(os.path.join(self.node.root, 'ports', self.uid)) as file:
                return file.read().strip() if self.running else None
        except FileNotFoundError:
            return None

    def tell(self, phase, state):
        self.node.set_status(self.pod, {
            'phase': phase,
            'conditions': [{'type': 'PodScheduled', 'status': 'True'}],
            'containerStatuses': [{
                'name': self.spec['name'], 'image': self.spec['image'], 'imageID': self.image_id,
                'ready': 'running' in state, 'started': 'running' in state,
                'restartCount': self.restarts, 'state': state, 'lastState': self.last,
            }],
        })

    def waits(self, reason, message=''):
        self.tell('Pending', {'waiting': {'reason': reason, 'message': message}})

    async def run(self):
        self.waits('ContainerCreating')
        image = self.pull()
        if image is None:
            message = f'failed to pull and unpack image "{self.spec["image"]}": not found'
            self.waits('ErrImagePull', message)
            await asyncio.sleep(0.05)
            self.waits('ImagePullBackOff', f'Back-off pulling image "{self.spec["image"]}": {message}')
            await self.until(self.deleting)
            return self.finish(None)
        while (environment := self.environment()) is None:
            self.waits('CreateContainerConfigError', 'secret not found')
            await asyncio.sleep(0.02)
            if self.deleting():
                return self.finish(None)
        self.image_id = image
        if 'command' in self.spec:
            return self.finish({'exitCode': 128, 'reason': 'StartError', 'finishedAt': now(),
                                'message': f'exec: "{self.spec["command"][0]}": not found'})
        while True:
            ended = await self.once(self.node.images[self.image_of(image)], environment)
            if self.deleting() or self.pod['spec'].get('restartPolicy') == 'Never':
                return self.finish(ended)
            self.tell('Running', {'terminated': ended})
            self.last = {'terminated': ended}
            if self.restarts > 0:
                self.tell('Running', {'waiting': {'reason': 'CrashLoopBackOff'}})
                try:
                    await asyncio.wait_for(self.until(self.deleting), BACKOFF)
                    return self.finish(ended)
                except TimeoutError:
                    pass
            await asyncio.sleep(0.01)
            self.restarts += 1

    def pull(self):
        """The image's id; `None` if nobody has it."""
        name = self.spec['image']
        for image in self.node.images:
            pinned = f'{image.rpartition(":")[0]}@{digest(image)}'
            if name in (image, pinned):
                return pinned
        return None

    def image_of(self, pinned):
        return next(image for image in self.node.images if digest(image) in pinned)

    def environment(self):
        found = {}
        for source in self.spec.get('envFrom', []):
            secret = self.node.objects.get('secrets', source['secretRef']['name'])
            if secret is None:
                return None
            for name, value in secret.get('data', {}).items():
                found[name] = base64.b64decode(value).decode()
        for volume, mount in zip(self.pod['spec'].get('volumes', []), self.spec.get('volumeMounts', [])):
            claim = self.node.volume(volume['persistentVolumeClaim']['claimName'])
            found = {name: claim if value == mount['mountPath'] else value
                     for name, value in found.items()}
        # Every process has the addresses of this machine: port 8080 is the pod's own.
        if found.get('ENGINE_LISTEN_ADDR') == f'0.0.0.0:{self.spec.get("ports", [{}])[0].get("containerPort")}':
            found['ENGINE_LISTEN_ADDR'] = '127.0.0.1:0'
        found['ENGINE_PORT_FILE'] = os.path.join(self.node.root, 'ports', self.uid)
        found[POD] = self.uid
        return found

    async def once(self, program, environment):
        with open(self.log(self.restarts), 'wb') as log:
            process = await asyncio.create_subprocess_exec(
                *program, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.running = True
        self.tell('Running', {'running': {'startedAt': now()}})
        waiting = asyncio.ensure_future(process.wait())
        ending = asyncio.ensure_future(self.end(process))
        await waiting
        ending.cancel()
        # What the first process leaves behind ends with its container.
        while left := processes(self.uid):
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            await asyncio.sleep(0.005)
        self.running = False
        code = process.returncode
        return {'exitCode': code if code >= 0 else 128 - code, 'finishedAt': now(),
                'reason': 'Completed' if code == 0 else 'Error'}

    async def end(self, process):
        await self.until(self.deleting)
        process.send_signal(signal.SIGTERM)
        begun = asyncio.get_running_loop().time()
        while True:
            pod = self.current()
            grace = pod['metadata']['deletionGracePeriodSeconds'] if pod else 0
            if asyncio.get_running_loop().time() >= begun + grace:
                process.send_signal(signal.SIGKILL)
                return
            await asyncio.sleep(0.02)

    async def until(self, holds):
        while not holds():
            await asyncio.sleep(0.005)

    def finish(self, ended):
        """The last status; a pod that was told to end goes with it."""
        self.finished = True
        deleting = self.deleting()
        if ended:
            code = ended['exitCode']
            self.tell('Succeeded' if code == 0 else 'Failed', {'terminated': copy.deepcopy(ended)})
        if deleting and self.current():
            self.node.objects.remove('pods', self.pod['metadata']['name'])

    def abandon(self):
        self.task.cancel()
        self.finished = True
        self.running = False
        for pid in processes(self.uid):
            os.kill(pid, signal.SIGKILL)
