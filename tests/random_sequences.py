"""Steps on sequences of tokens and on vectors, and the ways between them and pictures."""

import keras
from keras import layers, ops
from random_bag import Bag, step


@step()
def tokens(bag: Bag):
    x = bag.image()
    _, height, width, channels = x.shape
    return layers.Reshape((height * width, channels))(x)


@step()
def patches(bag: Bag):
    """As a vision transformer begins: patches by a convolution, then a line of them."""
    x = bag.image()
    y = layers.Conv2D(bag.width(4), 2, strides=2, padding="same")(x)
    return ops.reshape(y, (-1, y.shape[1] * y.shape[2], y.shape[3]))


@step()
def picture_of_tokens(bag: Bag):
    x = bag.sequence()
    return layers.Reshape((bag.divisor(x.shape[1]), -1, x.shape[2]))(x)


@step(row=lambda x: x[:, 0], column=lambda x: x[:, :, -1], mean=lambda x: ops.mean(x, axis=2))
def row_of_a_picture(bag: Bag, setting):
    return setting(bag.image())


@step(
    sizeless=True,
    relu={"activation": "relu"},
    bare={"use_bias": False},
    softmax={"activation": "softmax"},
)
def dense_tokens(bag: Bag, setting):
    return layers.Dense(bag.width(), **setting)(bag.sequence())


@step(
    last=("abc,cd->abd", "d"),
    bare=("abc,cd->abd", None),
    moved=("abc,cd->adb", None),
    spread=("abc,cd->adb", "d"),
    time=("abc,bd->adc", None),
    heads=("abc,cde->abde", "e"),
    dots=("...c,cd->...d", None),
)
def einsum(bag: Bag, setting):
    equation, bias = setting
    x = bag.sequence()
    sizes = {"b": x.shape[1], "c": x.shape[2], "d": bag.width(), "e": 3}
    shape = [sizes[letter] for letter in equation.split(">")[1] if letter in sizes]
    y = layers.EinsumDense(equation, shape, bias_axes=bias)(x)
    return y if len(y.shape) == 3 else layers.Reshape((x.shape[1], -1))(y)


@step(
    sizeless=True,
    lstm=lambda n: layers.LSTM(n, return_sequences=True),
    lstm_bare=lambda n: layers.LSTM(n, return_sequences=True, use_bias=False, go_backwards=True),
    gru=lambda n: layers.GRU(n, return_sequences=True),
    gru_before=lambda n: layers.GRU(n, return_sequences=True, reset_after=False),
    simple=lambda n: layers.SimpleRNN(n, return_sequences=True),
    cell=lambda n: layers.RNN(layers.LSTMCell(n), return_sequences=True),
    both=lambda n: layers.Bidirectional(layers.LSTM(n, return_sequences=True)),
    both_summed=lambda n: layers.Bidirectional(
        layers.GRU(n, return_sequences=True), merge_mode="sum"
    ),
    both_multiplied=lambda n: layers.Bidirectional(
        layers.SimpleRNN(n, return_sequences=True), merge_mode="mul"
    ),
    both_apart=lambda n: layers.Bidirectional(
        layers.GRU(n, return_sequences=True), merge_mode=None
    ),
)
def recur(bag: Bag, setting):
    return setting(bag.width())(bag.short(5))


@step(
    sizeless=True,
    lstm=lambda n: layers.LSTM(n),
    gru=lambda n: layers.GRU(n, unroll=True),
    both=lambda n: layers.Bidirectional(layers.GRU(n), merge_mode="ave"),
    states=lambda n: layers.LSTM(n, return_state=True),
    cell=lambda n: layers.RNN(layers.GRUCell(n), return_state=True),
)
def recur_to_vector(bag: Bag, setting):
    return setting(bag.width())(bag.short(5))


@step(sizeless=True)
def recur_from_a_state(bag: Bag):
    x, state = bag.short(5), bag.vector()
    return layers.GRU(state.shape[-1])(x, initial_state=state)


@step(
    sizeless=True,
    same=lambda x, w: layers.MultiHeadAttention(2, 3)(x, x),
    values=lambda x, w: layers.MultiHeadAttention(3, 2, value_dim=4)(x, x),
    bare=lambda x, w: layers.MultiHeadAttention(2, 2, use_bias=False, output_shape=6)(x, x),
    causal=lambda x, w: layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True),
    single=lambda x, w: layers.MultiHeadAttention(1, 4)(x, x),
    grouped=lambda x, w: layers.GroupQueryAttention(4, 4, 2)(x, x),
    scores=lambda x, w: layers.MultiHeadAttention(2, 3)(x, x, return_attention_scores=True)[0],
    cross=lambda x, w: layers.MultiHeadAttention(2, 3)(x, w),
    cross_keys=lambda x, w: layers.MultiHeadAttention(2, 3)(x, w, key=layers.Dense(5)(w)),
    plain=lambda x, w: layers.Attention()([x, x]),
    additive=lambda x, w: layers.AdditiveAttention()([x, x]),
)
def attend(bag: Bag, setting):
    return setting(bag.short(), bag.short(6))


@step(sizeless=True, before=True, after=False)
def transformer_block(bag: Bag, setting):
    x = bag.short()
    width = x.shape[-1]

    def normal(y):
        return layers.LayerNormalization()(y)

    def mix(y):
        return layers.MultiHeadAttention(2, 3)(y, y)

    def feed(y):
        return layers.Dense(width)(layers.Dense(bag.width(4, 10), "gelu")(y))

    if setting:
        y = x + mix(normal(x))
        return y + feed(normal(y))
    y = normal(x + mix(x))
    return normal(y + feed(y))


@step()
def mixer_block(bag: Bag):
    """As in an MLP-Mixer: Dense layers along the tokens, then along the channels."""
    x = bag.sequence()
    y = layers.Permute((2, 1))(layers.LayerNormalization()(x))
    y = layers.Dense(x.shape[1])(layers.Dense(bag.width(), "gelu")(y))
    y = layers.Add()([x, layers.Permute((2, 1))(y)])
    return y + layers.Dense(x.shape[2])(layers.Dense(bag.width(), "relu")(y))


@step(
    sizeless=("layer", "root", "batch", "unit", "dropout", "prelu", "masking"),
    layer=lambda: layers.LayerNormalization(),
    root=lambda: layers.RMSNormalization(),
    batch=lambda: layers.BatchNormalization(),
    unit=lambda: layers.UnitNormalization(),
    time=lambda: layers.LayerNormalization(axis=1),
    groups=lambda: layers.GroupNormalization(groups=1),
    dropout=lambda: layers.SpatialDropout1D(0.3),
    prelu=lambda: layers.PReLU(shared_axes=(1,), alpha_initializer="ones"),
    masking=lambda: layers.Masking(),
)
def normalise_tokens(bag: Bag, setting):
    return setting()(bag.sequence())


@step(
    sizeless=True,
    same=lambda n: layers.Conv1D(n, 3, padding="same", activation="relu"),
    causal=lambda n: layers.Conv1D(n, 2, padding="causal", dilation_rate=2),
    strided=lambda n: layers.Conv1D(n, 3, strides=2, padding="same"),
    depthwise=lambda n: layers.DepthwiseConv1D(3, padding="same", depth_multiplier=2),
    separable=lambda n: layers.SeparableConv1D(n, 3, padding="same"),
    transposed=lambda n: layers.Conv1DTranspose(n, 2, strides=2, activation="tanh"),
    spectral=lambda n: layers.SpectralNormalization(layers.Conv1D(n, 1)),
)
def convolve_tokens(bag: Bag, setting):
    return setting(bag.width())(bag.sequence())


@step(
    maximum=lambda: layers.MaxPooling1D(padding="same"),
    average=lambda: layers.AveragePooling1D(3, 1, padding="same"),
    nearest=lambda: layers.UpSampling1D(),
    padding=lambda: layers.ZeroPadding1D((1, 0)),
    turned=lambda: layers.Permute((2, 1)),
)
def space_of_tokens(bag: Bag, setting):
    return setting()(bag.sequence())


@step(
    cropping=lambda: layers.Cropping1D((1, 1)),
    adaptive_average=lambda: layers.AdaptiveAveragePooling1D(2),
    adaptive_maximum=lambda: layers.AdaptiveMaxPooling1D(3),
)
def crop_tokens(bag: Bag, setting):
    return setting()(layers.ZeroPadding1D((2, 1))(bag.sequence()))


@step(
    sizeless=True,
    dense=lambda n: layers.Dense(n, "relu"),
    batch=lambda n: layers.BatchNormalization(),
    net=lambda n: keras.Sequential([layers.Dense(n, "relu"), layers.Dense(4)]),
    flat=lambda n: layers.Flatten(),
)
def each_in_turn(bag: Bag, setting):
    return layers.TimeDistributed(setting(bag.width()))(bag.sequence())


@step(
    sizeless=("add", "multiply", "channels", "self"),
    add=lambda x, y: x + y,
    multiply=lambda x, y: layers.Multiply()([x, y]),
    channels=lambda x, y: layers.Concatenate()([x, y]),
    time=lambda x, y: layers.Concatenate(axis=1)([x, y]),
    product=lambda x, y: layers.Dot((2, 2))([x, y]),
    product_of_time=lambda x, y: layers.Dot((1, 1), normalize=True)([x, y]),
    gram=lambda x, y: ops.matmul(x, ops.transpose(y, (0, 2, 1))),
    einsum=lambda x, y: ops.einsum("abc,adc->abd", x, y),
    self=lambda x, y: ops.add(x, x),
)
def merge_tokens(bag: Bag, setting):
    x = bag.short()
    other = layers.Dense(x.shape[-1])(x)
    return setting(x, other)


@step(
    sizeless=("average", "maximum"),
    average=lambda: layers.GlobalAveragePooling1D(),
    maximum=lambda: layers.GlobalMaxPooling1D(),
    time=lambda: layers.GlobalAveragePooling1D(data_format="channels_first"),
    kept=lambda: layers.GlobalMaxPooling1D(keepdims=True),
    flat=lambda: layers.Flatten(),
)
def end_of_tokens(bag: Bag, setting):
    return setting()(bag.sequence())


@step(sizeless=True, first=0, last=-1)
def one_token(bag: Bag, setting):
    return bag.sequence()[:, setting]


@step(sizeless=True, plain=False, masked=True)
def words(bag: Bag, setting):
    x = keras.Input((5,), dtype="int32")
    bag.inputs.append(x)
    y = layers.Embedding(7, bag.width(), mask_zero=setting)(x)
    bag.ends.append(y)
    return y


@step()
def positions(bag: Bag):
    """A vector for each place, learnt, added to the tokens."""
    x = bag.sequence()
    places = keras.Input((x.shape[1],), dtype="int32")
    bag.inputs.append(places)
    y = x + layers.Embedding(x.shape[1], x.shape[2])(places)
    bag.ends.append(y)
    return y


@step(sizeless=True, average=layers.GlobalAveragePooling2D, maximum=layers.GlobalMaxPooling2D)
def end_of_picture(bag: Bag, setting):
    return setting()(bag.image())


@step()
def flatten(bag: Bag):
    return layers.Flatten()(bag.image())


@step(
    sizeless=True,
    relu={"activation": "relu"},
    bare={"use_bias": False},
    softmax={"activation": "softmax"},
    sigmoid={"activation": "sigmoid"},
)
def dense(bag: Bag, setting):
    return layers.Dense(bag.width(), **setting)(bag.vector())


@step(
    sizeless=True,
    dropout=lambda: layers.Dropout(0.5),
    batch=lambda: layers.BatchNormalization(),
    layer=lambda: layers.LayerNormalization(),
    unit=lambda: layers.UnitNormalization(),
    prelu=lambda: layers.PReLU(alpha_initializer="ones"),
    spectral=lambda: layers.SpectralNormalization(layers.Dense(5)),
)
def normalise_vector(bag: Bag, setting):
    return setting()(bag.vector())


@step(
    sizeless=True,
    add=layers.Add,
    average=layers.Average,
    concatenate=layers.Concatenate,
    multiply=layers.Multiply,
)
def merge_vectors(bag: Bag, setting):
    x = bag.vector()
    return setting()([x, layers.Dense(x.shape[-1])(bag.vector())])


@step()
def repeat_vector(bag: Bag):
    return layers.RepeatVector(3)(bag.vector())


@step(linear=None, relu="relu")
def vector_to_tokens(bag: Bag, setting):
    return layers.Reshape((4, 3))(layers.Dense(12, setting)(bag.vector()))


@step(sizeless=True)
def maxout(bag: Bag):
    y = layers.Dense(8)(bag.vector())
    return ops.max(ops.reshape(y, (-1, 4, 2)), axis=-1)


@step(sizeless=True)
def gated_unit(bag: Bag):
    a, b = ops.split(layers.Dense(8)(bag.vector()), 2, axis=-1)
    return a * ops.sigmoid(b)


@step(sizeless=True)
def second_vector(bag: Bag):
    x = bag.vector()
    other = keras.Input((4,))
    bag.inputs.append(other)
    bag.ends.append(layers.Concatenate()([x, layers.Dense(bag.width(), "relu")(other)]))
    return bag.ends[-1]
