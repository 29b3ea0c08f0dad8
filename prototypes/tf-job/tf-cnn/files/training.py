"""The network, its training step, and the four ways to spread it; all of it TensorFlow 2."""

import os
import time

import tensorflow as tf

CLASSES = 1000
LEARNING_RATE = 0.01
# block, blocks in each stage, pixels a side
NETWORKS = {
    "trivial": ("plain", (), 64),
    "resnet18": ("basic", (2, 2, 2, 2), 224),
    "resnet50": ("bottleneck", (3, 4, 6, 3), 224),
    "resnet101": ("bottleneck", (3, 4, 23, 3), 224),
    "resnet152": ("bottleneck", (3, 8, 36, 3), 224),
}


class Network(tf.Module):
    """A residual network (He et al., 2015) without Keras: weights are made at the first call, in 32 bits."""

    def __init__(self, model, dtype):
        super().__init__()
        self.block, self.stages, self.size = NETWORKS[model]
        self.compute = dtype
        self.weights = {}

    def __call__(self, images):
        x = tf.cast(images, self.compute)
        if self.block == "plain":
            x = tf.nn.relu(self.convolution("stem", x, 3, 16, 2))
        else:
            x = tf.nn.relu(self.normalised("stem", x, 7, 64, 2))
            x = tf.nn.max_pool2d(x, 3, 2, "SAME")
        for stage, blocks in enumerate(self.stages):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                x = self.residual(f"stage{stage}/block{block}", x, 64 * 2**stage, stride)
        features = tf.cast(tf.reduce_mean(x, (1, 2)), tf.float32)
        weight = self.weight("dense/weight", (features.shape[-1], CLASSES), stddev=0.01)
        return features @ weight + self.weight("dense/bias", (CLASSES,))

    def residual(self, name, x, width, stride):
        """x plus what a block of two or three convolutions adds to it."""
        if self.block == "bottleneck":
            y = tf.nn.relu(self.normalised(f"{name}/1", x, 1, width, 1))
            y = tf.nn.relu(self.normalised(f"{name}/2", y, 3, width, stride))
            y = self.normalised(f"{name}/3", y, 1, 4 * width, 1)
        else:
            y = tf.nn.relu(self.normalised(f"{name}/1", x, 3, width, stride))
            y = self.normalised(f"{name}/2", y, 3, width, 1)
        if x.shape[1:] != y.shape[1:]:
            x = self.normalised(f"{name}/shortcut", x, 1, y.shape[-1], stride)
        return tf.nn.relu(x + y)

    def normalised(self, name, x, kernel, channels, stride):
        """A convolution and batch normalisation by the batch's own statistics: a benchmark keeps no averages."""
        x = self.convolution(name, x, kernel, channels, stride)
        scale = self.weight(f"{name}/scale", (channels,), value=1.0)
        offset = self.weight(f"{name}/offset", (channels,))
        return tf.compat.v1.nn.fused_batch_norm(x, scale, offset, is_training=True)[0]

    def convolution(self, name, x, kernel, channels, stride):
        shape = (kernel, kernel, x.shape[-1], channels)
        weight = self.weight(f"{name}/kernel", shape, stddev=(2 / (kernel * kernel * x.shape[-1])) ** 0.5)
        return tf.nn.conv2d(x, tf.cast(weight, self.compute), stride, "SAME")

    def weight(self, name, shape, stddev=0.0, value=0.0):
        """The weight called `name`, the same in every process that makes it."""
        if name not in self.weights:
            seed = (len(self.weights), 1)
            initial = tf.random.stateless_normal(shape, seed, stddev=stddev) if stddev else tf.fill(shape, value)
            self.weights[name] = tf.Variable(initial, name=name.replace("/", "_"))
        return self.weights[name]


def run(arguments, role, passes, say):
    """Train as `role` says, each step in `passes` parts; the process's exit code."""
    gpus = use_gpus(role)
    if role.computes and len(gpus) < arguments.num_gpus:
        # A driver that is not there or an image with the wrong libraries: never a slow success on the CPU.
        say("error", reason="GPUsMissing", wanted=arguments.num_gpus, seen=len(gpus))
        return 2
    mode = role.mode(len(gpus))
    if role.cluster:
        say("joining", mode=mode, type=role.type, index=role.index, cluster=role.cluster)
    if mode == "ps" and role.type != "chief":
        serve(role)
    strategy = make_strategy(mode, gpus)
    with strategy.scope():
        network = Network(arguments.model, tf.float16 if arguments.fp16 else tf.float32)
        size = arguments.image_size or network.size
        network(tf.zeros((1, size, size, 3)))
    replicas = len(role.cluster["worker"]) if mode == "ps" else strategy.num_replicas_in_sync
    weights = list(network.weights.values())
    report = say if role.reports else lambda *_, **__: None
    report(
        "start", model=arguments.model, mode=mode, replicas=replicas, batch_size=arguments.batch_size,
        global_batch=arguments.batch_size * replicas, image_size=size, gpus=len(gpus), tensorflow=tf.__version__,
        parameters=sum(weight.shape.num_elements() for weight in weights),
    )  # fmt: skip
    train = trainer(strategy, mode, step(network, weights, arguments, passes, size), replicas)
    measure(train, arguments, replicas, report)
    if arguments.export_dir and role.reports:
        report("exported", directory=export(network, arguments, size))
    return 0


def use_gpus(role):
    """The GPUs that this process computes on; memory is taken as it is needed."""
    gpus = tf.config.list_physical_devices("GPU")
    if not role.computes:
        tf.config.set_visible_devices([], "GPU")
        return []
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return gpus


def make_strategy(mode, gpus):
    if mode == "ps":
        return tf.distribute.ParameterServerStrategy(tf.distribute.cluster_resolver.TFConfigClusterResolver())
    if mode == "allreduce":
        kinds = tf.distribute.experimental.CommunicationImplementation
        options = tf.distribute.experimental.CommunicationOptions(implementation=kinds.NCCL if gpus else kinds.RING)
        return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    return tf.distribute.MirroredStrategy() if mode == "mirrored" else tf.distribute.get_strategy()


def serve(role):
    """Answer the chief's calls until the job's end removes this pod."""
    os.environ["GRPC_FAIL_FAST"] = "use_caller"  # calls to a peer that restarts wait instead of failing
    spec = tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec()
    tf.distribute.Server(spec, job_name=role.type, task_index=role.index, protocol="grpc").join()


def step(network, weights, arguments, passes, size):
    """One training step of one replica, as a function for strategy.run."""
    batch = arguments.batch_size // passes
    scale = 128.0 if arguments.fp16 else 1.0  # small gradients would be lost in 16 bits

    def update(strategy, gradients):
        for weight, gradient in zip(weights, gradients, strict=True):
            strategy.extended.update(
                weight, lambda w, g: w.assign_sub(LEARNING_RATE * g), args=(gradient,), group=False
            )

    def forward_and_back():
        images = tf.random.stateless_uniform((batch, size, size, 3), seed=(7, 7))
        labels = tf.random.stateless_uniform((batch,), seed=(8, 8), maxval=CLASSES, dtype=tf.int32)
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, network(images))
            loss = tf.reduce_mean(losses)
            scaled = loss * (scale / passes)
        return loss / passes, [gradient / scale for gradient in tape.gradient(scaled, weights)]

    def accumulated():
        """Loss and gradients over all passes, one after the other: side by side they would need the memory of all."""
        if passes == 1:
            return forward_and_back()
        nothing = [tf.zeros(())] + [tf.zeros(weight.shape) for weight in weights]

        def add(count, sums):
            loss, gradients = forward_and_back()
            return count + 1, [total + part for total, part in zip(sums, [loss, *gradients], strict=True)]

        _, sums = tf.while_loop(lambda count, _: count < passes, add, (0, nothing), parallel_iterations=1)
        return sums[0], sums[1:]

    def one_step():
        loss, gradients = accumulated()
        replica = tf.distribute.get_replica_context()
        if replica.num_replicas_in_sync > 1:
            gradients = replica.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
        replica.merge_call(update, args=(gradients,))
        return loss

    return one_step


def trainer(strategy, mode, one_step, replicas):
    """A function that trains n steps and gives the last loss."""
    if mode == "ps":
        coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
        compiled = tf.function(lambda: strategy.run(one_step))

        def train(steps):
            losses = [coordinator.schedule(compiled) for _ in range(steps * replicas)]
            coordinator.join()
            return float(losses[-1].fetch())

        return train

    @tf.function
    def all_replicas():
        return strategy.reduce(tf.distribute.ReduceOp.MEAN, strategy.run(one_step), axis=None)

    def train(steps):
        for _ in range(steps):
            loss = all_replicas()
        return float(loss)

    return train


def measure(train, arguments, replicas, report):
    """Train, and say how fast, every few steps and in all. The first steps trace and tune: they do not count."""
    train(max(arguments.warmup_steps, 1))
    done, began = 0, time.perf_counter()
    while done < arguments.num_steps:
        steps = min(arguments.display_every, arguments.num_steps - done)
        start = time.perf_counter()
        loss = train(steps)
        rate = arguments.batch_size * replicas * steps / (time.perf_counter() - start)
        done += steps
        report("step", step=done, images_per_second=round(rate, 2), loss=round(loss, 4))
    rate = arguments.batch_size * replicas * done / (time.perf_counter() - began)
    report("done", images_per_second=round(rate, 2), steps=done, replicas=replicas)


def export(network, arguments, size):
    """Write a SavedModel for TensorFlow Serving, its weights copied out of the strategy; the folder."""
    plain = Network(arguments.model, tf.float32)
    plain(tf.zeros((1, size, size, 3)))
    for name, weight in plain.weights.items():
        weight.assign(tf.convert_to_tensor(network.weights[name]))
    images = tf.TensorSpec((None, size, size, 3), tf.float32, "images")
    signature = tf.function(lambda images: {"logits": plain(images)}, input_signature=[images])
    folder = os.path.join(arguments.export_dir, "1")
    tf.saved_model.save(plain, folder, signatures={"serving_default": signature})
    return folder
