"""Sounds for the speech models: reading, synthesis, other voices and rooms, and their log-mel spectrogram."""

import re
import shutil
import subprocess
import wave
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Iterator, NamedTuple

import numpy
import torch
from torch.nn import functional

RATE = 8000
HOP = 80
# The words of functions/media/mel-spectrogram.ts, which are torchaudio's and those of transformers.audio_utils.
PREPROCESSOR = {
    'feature_extractor_type': 'MelSpectrogram',
    'sampling_rate': RATE,
    'n_fft': 256,
    'hop_length': HOP,
    'f_min': 60,
    'f_max': 3800,
    'n_mels': 40,
    'mel_scale': 'htk',
    'log_mel': 'dB',
    'mel_floor': 1e-10,
    'db_range': 60,
}
ACCENTS = ['en-us', 'en-gb', 'en-gb-scotland', 'en-gb-x-rp', 'en-gb-x-gbclan', 'en-029']
VARIANTS = ['m1', 'm3', 'm4', 'm7', 'f1', 'f2', 'f4']
FLITE_VOICES = ['kal16', 'awb', 'rms', 'slt']
WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']


class Clip(NamedTuple):
    """One spoken digit; mono samples at RATE."""

    digit: int
    speaker: str
    take: int
    samples: numpy.ndarray


def read_wav(content: bytes) -> tuple[int, numpy.ndarray]:
    """Rate, and float32 samples of a mono 16-bit WAV; a data chunk of unknown length ends with the file."""
    with wave.open(BytesIO(content)) as file:
        pcm = numpy.frombuffer(file.readframes(len(content)), '<i2')
        return file.getframerate(), pcm.astype(numpy.float32) / numpy.float32(32768)


def wav_bytes(samples: numpy.ndarray) -> bytes:
    """A mono 16-bit WAV at RATE."""
    buffer = BytesIO()
    with wave.open(buffer, 'wb') as file:
        file.setparams((1, 2, RATE, 0, 'NONE', 'not compressed'))
        file.writeframes(numpy.clip(numpy.round(samples * 32768), -32768, 32767).astype('<i2').tobytes())
    return buffer.getvalue()


def read_clips(folder: Path) -> list[Clip]:
    """Every {digit}_{speaker}_{take}.wav below the folder, in the order of their names."""
    clips = []
    for path in sorted(folder.rglob('*.wav')):
        named = re.fullmatch(r'(\d)_([a-z]+)_(\d+)', path.stem)
        if named:
            rate, samples = read_wav(path.read_bytes())
            if rate != RATE:
                raise SystemExit(f'{path} has {rate} samples a second; {RATE} are needed')
            clips.append(Clip(int(named[1]), named[2], int(named[3]), samples))
    if not clips:
        raise SystemExit(f'{folder} holds no file named {{digit}}_{{speaker}}_{{take}}.wav')
    return clips


def synthesize_clips(seed: int) -> list[Clip]:
    """The ten digits by the voices of espeak-ng and flite, at random speeds; of those of the two that are installed."""
    random, clips = numpy.random.default_rng(seed), []
    for speaker, command in [*espeak_commands(random), *flite_commands(random)]:
        if shutil.which(command[0]):
            for digit, word in enumerate(WORDS):
                spoken = subprocess.run([*command, word], check=True, capture_output=True)
                rate, samples = read_wav(spoken.stdout)
                clips.append(Clip(digit, speaker, 0, trim(resample(samples, rate), 0.01)))
    return clips


def espeak_commands(random: numpy.random.Generator) -> Iterator[tuple[str, list[str]]]:
    """Every accent by every voice, at a speed and pitch of its own; the word follows."""
    for accent in ACCENTS:
        for variant in VARIANTS:
            voice, speed, pitch = f'{accent}+{variant}', random.integers(110, 210), random.integers(20, 85)
            yield voice, ['espeak-ng', '--stdout', '-v', voice, '-s', str(speed), '-p', str(pitch)]


def flite_commands(random: numpy.random.Generator) -> Iterator[tuple[str, list[str]]]:
    """Every voice eight times, at a speed of its own; the word follows."""
    for voice in FLITE_VOICES:
        for _ in range(8):
            stretch = f'duration_stretch={random.uniform(0.7, 1.4):.2f}'
            yield voice, ['flite', '-voice', voice, '--setf', stretch, '-o', '/dev/stdout', '-t']


def resample(samples: numpy.ndarray, rate: int) -> numpy.ndarray:
    """From `rate` down to RATE, by leaving out the frequencies above."""
    count = len(samples) * RATE // rate
    spectrum = numpy.fft.rfft(samples)[: count // 2 + 1]
    return (numpy.fft.irfft(spectrum, count) * (count / len(samples))).astype(numpy.float32)


def trim(samples: numpy.ndarray, threshold: float) -> numpy.ndarray:
    """Without what is below this share of the loudest sample, at the beginning and the end."""
    loud = numpy.flatnonzero(numpy.abs(samples) >= numpy.abs(samples).max() * threshold)
    return samples[loud[0] : loud[-1] + 1]


def clip_edges(samples: numpy.ndarray, random: numpy.random.Generator) -> numpy.ndarray:
    """As some speakers' recordings are: cut so closely that soft consonants at the beginning or the end are lost."""
    return trim(samples, 10 ** random.uniform(-2, -0.5)) if random.uniform() < 0.6 else samples


def revoice(samples: numpy.ndarray, random: numpy.random.Generator) -> numpy.ndarray:
    """Another mouth: played 20 % slower to 25 % faster, at another level."""
    positions = numpy.arange(0, len(samples) - 1, random.uniform(0.8, 1.25))
    level = 10 ** random.uniform(-1, 0) / max(float(numpy.abs(samples).max()), 1e-4)
    return numpy.interp(positions, numpy.arange(len(samples)), samples).astype(numpy.float32) * numpy.float32(level)


@lru_cache(maxsize=None)
def noises() -> numpy.ndarray:
    """32 sounds of 8 s from white to brown noise, each of deviation 1."""
    spectra = numpy.fft.rfft(numpy.random.default_rng(0).standard_normal((32, 8 * RATE)))
    spectra /= numpy.maximum(numpy.arange(spectra.shape[1]), 60) ** numpy.linspace(0, 1, 32)[:, None]
    sounds = numpy.fft.irfft(spectra)
    return (sounds / sounds.std(1, keepdims=True)).astype(numpy.float32)


def with_noise(samples: numpy.ndarray, random: numpy.random.Generator) -> numpy.ndarray:
    """In noise that is 15 to 60 dB below the level of the loudest tenth of a second."""
    energy = numpy.concatenate([[0], numpy.cumsum(samples.astype(numpy.float64) ** 2)])
    reach = min(RATE // 10, len(samples))
    level = numpy.sqrt((energy[reach:] - energy[:-reach]).max() / reach + 1e-12)
    sound = noises()[random.integers(32)]
    heard = sound.take(random.integers(len(sound)) + numpy.arange(len(samples)), mode='wrap')
    return samples + heard * numpy.float32(level * 10 ** (-random.uniform(15, 60) / 20))


def mel_filters() -> torch.Tensor:
    """Triangles that are equally far from each other in mels: float64 [n_mels, n_fft / 2 + 1]."""
    low, high = (2595 * numpy.log10(1 + PREPROCESSOR[name] / 700) for name in ('f_min', 'f_max'))
    corners = 700 * (10 ** (numpy.linspace(low, high, PREPROCESSOR['n_mels'] + 2) / 2595) - 1)
    hertz = numpy.linspace(0, RATE // 2, PREPROCESSOR['n_fft'] // 2 + 1)
    left, top, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    triangles = numpy.minimum((hertz - left) / (top - left), (right - hertz) / (right - top))
    return torch.from_numpy(numpy.maximum(0, triangles))


FILTERS = mel_filters()


def log_mel(sounds: torch.Tensor) -> torch.Tensor:
    """PREPROCESSOR for sounds [batch, samples]: decibels [batch, n_mels, 1 + samples / HOP], in the precision given."""
    size = PREPROCESSOR['n_fft']
    padded = functional.pad(sounds.unsqueeze(1), (size // 2, size // 2), 'reflect').squeeze(1)
    window = torch.hann_window(size, periodic=True, dtype=sounds.dtype)
    power = torch.fft.rfft(padded.unfold(1, size, HOP) * window).abs().square().transpose(1, 2)
    mel = functional.conv1d(power, FILTERS.to(sounds.dtype).unsqueeze(2))
    decibels = 10 * torch.log10(mel.clamp(min=PREPROCESSOR['mel_floor']))
    return torch.maximum(decibels, decibels.amax((1, 2), keepdim=True) - PREPROCESSOR['db_range'])


def features(samples: numpy.ndarray) -> torch.Tensor:
    """What the platform computes of one sound, float32 [1, n_mels, frames]."""
    return log_mel(torch.from_numpy(samples).double().unsqueeze(0)).float()


def relative(mel: torch.Tensor) -> torch.Tensor:
    """Decibels as distance to the loudest, about -2..1: the same for a soft and a loud voice. Part of the graphs."""
    return (mel - mel.amax((1, 2), keepdim=True)) / 20 + 1


def mask(mel: torch.Tensor) -> torch.Tensor:
    """Another microphone, and a band and a moment that are missing (SpecAugment); mel [batch, n_mels, frames]."""
    count, filters, frames = mel.shape
    curve = functional.interpolate(torch.randn(count, 1, 5) * 4, filters, mode='linear', align_corners=True)
    mel = mel + curve.transpose(1, 2)
    floor = mel.amin((1, 2), keepdim=True)
    for axis, size, widest in ((1, filters, 6), (2, frames, 8)):
        at = torch.arange(size).view(1, -1)
        start, width = torch.randint(0, size, (count, 1)), torch.randint(0, widest + 1, (count, 1))
        hidden = ((at >= start) & (at < start + width)).unsqueeze(3 - axis)
        mel = torch.where(hidden, floor, mel)
    return mel
